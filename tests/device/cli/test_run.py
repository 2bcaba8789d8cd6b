"""``device run`` as installed: real frames, a real interpreter, exit codes of the script."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

DEVICE = Path(sys.executable).parent / "device"


def command(*arguments) -> list[str]:
    return [str(DEVICE), *map(str, arguments)]


def run(*arguments, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, **kwargs)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_demo_gives_rows_and_a_summary(tiny_model, tmp_path):
    output = tmp_path / "out.jsonl"
    done = run("run", "--source", "demo:60", "--model", tiny_model, "--output", output)
    assert done.returncode == 0, done.stderr
    for stage in ("detect", "crop", "classify", "loop", "frame", "age"):
        assert f"\n{stage} " in done.stdout
    assert "60 frames" in done.stdout
    found = rows(output)
    assert [row["index"] for row in found] == list(range(60))
    last = found[-1]
    assert last["schema"] == 1
    assert last["result"] == "faces"
    assert {face["id"] for face in last["faces"]} == {1, 2}
    face = last["faces"][0]
    assert face["label"] in face["scores"]
    assert sum(face["scores"].values()) == pytest.approx(1, abs=0.02)
    assert face["scores"][face["label"]] == face["probability"] == max(face["scores"].values())
    assert last["latency_ms"]["frame"] <= last["age_ms"]


def test_a_truncated_video_ends_with_a_warning(tiny_model, tmp_path, cut_video):
    cut = cut_video(tmp_path / "cut.avi", promised=50, left=20)
    done = run("run", "-q", "--source", cut, "--detector", "haar", "--model", tiny_model)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "cut short" in done.stderr


@pytest.mark.parametrize("rate", [15.0, 29.97])
def test_a_film_of_a_file_has_the_rate_of_the_file(tiny_model, tmp_path, rate):
    import cv2
    import numpy as np

    clip = cv2.VideoWriter(str(tmp_path / "clip.mkv"), cv2.VideoWriter.fourcc(*"MJPG"), rate, (96, 64))
    for level in range(30):
        clip.write(np.full((64, 96, 3), 60 + level, np.uint8))
    clip.release()
    done = run(
        "run", "-q", "--source", "clip.mkv", "--model", tiny_model, "--video", "film.mkv", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    film = cv2.VideoCapture(str(tmp_path / "film.mkv"))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, abs=0.01)
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 30


def test_json_is_one_document_and_max_frames_holds(tiny_model):
    done = run("run", "--source", "demo", "--max-frames", 20, "--json", "--model", tiny_model)
    document = json.loads(done.stdout)
    assert document["frames"] == 20
    assert document["ended_by"] == "--max-frames"
    assert document["latency"]["frame"]["p50_ms"] > 0
    assert done.stderr == ""


def test_a_folder_of_pictures_is_stills_each_with_its_own_faces(tiny_model, tmp_path):
    import cv2
    import numpy as np

    from device.capture.sources.demo import DemoSource

    folder = tmp_path / "stills"
    folder.mkdir()
    with DemoSource() as demo:
        for number in range(3):
            cv2.imwrite(str(folder / f"{number}.png"), demo.picture(100 * number))
    cv2.imwrite(str(folder / "3.png"), np.full((200, 200), 120, np.uint8))
    output = tmp_path / "out.jsonl"
    done = run("run", "--source", folder, "--model", tiny_model, "--output", output, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [len(row["faces"]) for row in rows(output)] == [2, 2, 2, 0]


def test_nothing_is_overwritten_unasked(tiny_model, tmp_path):
    output = tmp_path / "out.jsonl"
    output.write_text("mine\n")
    done = run("run", "--source", "demo:5", "--model", tiny_model, "--output", output)
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    assert output.read_text() == "mine\n"
    done = run("run", "--source", "demo:5", "--model", tiny_model, "--output", output, "--overwrite", "-q")
    assert done.returncode == 0
    assert len(rows(output)) == 5


@pytest.mark.parametrize("option", ["--output", "--video"])
@pytest.mark.parametrize("role", ["--source", "--model", "--detector-model", "folder"])
def test_an_output_that_is_an_input_is_refused(option, role, tiny_model, tmp_path):
    kept, link = tmp_path / "own" / "kept.png", tmp_path / "link.mkv"
    kept.parent.mkdir()
    kept.write_bytes(b"a recording")
    link.hardlink_to(kept)
    inputs = {"--source": "demo:5", "--model": tiny_model}
    inputs |= {"--source": kept.parent} if role == "folder" else {role: kept}
    asked = [str(part) for pair in inputs.items() for part in pair]
    done = run("run", *asked, option, link, "--overwrite")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{option} {link} is what this run reads" in done.stderr
    assert kept.read_bytes() == b"a recording"


def test_pictures_are_not_stored_where_they_are_read(tiny_model, tmp_path):
    options = ("--source", tmp_path, "--save-frames", tmp_path / ".", "--overwrite")
    done = run("run", "--model", tiny_model, *options)
    assert done.returncode == 2
    assert "is what this run reads" in done.stderr


def test_a_source_that_does_not_open_leaves_the_output_as_it_was(tiny_model, tmp_path):
    output = tmp_path / "rows.jsonl"
    asked = ("run", "--source", "usb:97", "--model", tiny_model, "--output", output)
    assert run(*asked).returncode == 1
    assert not output.exists()
    output.write_text("weeks of rows\n")
    assert run(*asked, "--overwrite").returncode == 1
    assert output.read_text() == "weeks of rows\n"


def test_every_start_may_add_to_the_rows(tiny_model, tmp_path):
    output = tmp_path / "rows.jsonl"
    for _ in range(2):
        asked = ("--source", "demo:5", "--model", tiny_model, "--output", output, "--append", "-q")
        done = run("run", *asked)
        assert (done.returncode, done.stderr) == (0, "")
    assert [row["index"] for row in rows(output)] == [*range(5), *range(5)]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--source", "gone.mp4"], 1, ["no such file", "usb:N"]),
        (["--source", "webcam"], 2, ["unknown --source", "picamera"]),
        (["--source", "demo", "--model", "gone.tflite"], 1, ["gone.tflite"]),
        (["--source", "demo", "--labels", "a,b"], 1, ["2 labels", "7 outputs"]),
        (["--source", "demo", "--labels", "nope.txt"], 1, ["nope.txt: no such file"]),
        (["--source", "demo", "--labels", "gone/nope"], 1, ["gone/nope: no such file"]),
        (["--source", "demo", "--labels", "latin.txt"], 1, ["latin.txt is no text in UTF-8"]),
        (
            ["--source", "demo", "--mqtt-topic", "x"],
            2,
            ["--mqtt-topic belongs to --mqtt; add --mqtt HOST or leave"],
        ),
        (["--source", ""], 2, ["--source is empty; expected"]),
        (["--source", "demo", "--detector", "mtcnn"], 2, ["haar", "yunet"]),
        (["--source", "demo", "--min-face", "3"], 2, ["--min-face"]),
        (["--source", "demo:live", "--min-face", "5000"], 2, ["--min-face is 5000", "640x480"]),
        (["--source", "usb:97"], 1, ["/dev/video97"]),
        (["--source", "http://127.0.0.1:9/x.mjpg"], 1, ["does not answer"]),
        (["--source", "rtsp://127.0.0.1:9/x"], 1, ["does not answer"]),
        (["--source", "broken.mp4"], 1, ["no video"]),
        (["--source", "demo", "--output", "rows.txt"], 2, [".jsonl"]),
        (["--source", "demo", "--output", "gone/rows.jsonl"], 1, ["cannot write in gone"]),
        (["--source", "demo", "--output", "/proc/rows.jsonl"], 1, ["cannot write in /proc"]),
        (["--source", "demo", "--video", "/proc/clip.avi"], 1, ["cannot write in /proc"]),
        (["--source", "demo", "--output", "/proc/version", "--append"], 1, ["cannot write /proc/version"]),
        (["--source", "demo", "--output", "folder.csv", "--append"], 1, ["folder.csv: it is a folder"]),
        (["--source", "demo", "--output", "folder.csv"], 1, ["folder.csv: it is a folder"]),
        (["--source", "demo", "--max-frames", "9" * 20], 2, ["--max-frames", "20 digits is too large"]),
        (["--source", "/dev/zero"], 1, ["cannot read /dev/zero: it is no regular file", "usb:N"]),
    ],
)
def test_errors_are_one_line(arguments, code, words, tiny_model, tmp_path):
    if "--model" not in arguments:
        arguments = [*arguments, "--model", str(tiny_model)]
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "latin.txt").write_bytes("fröhlich".encode("latin-1"))
    done = run("run", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr


def test_a_video_that_may_not_be_read_says_so(tiny_model, tmp_path, as_any_user):
    (tmp_path / "closed.mp4").touch(mode=0)
    done = run("run", "--source", tmp_path / "closed.mp4", "--model", tiny_model, preexec_fn=as_any_user)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "closed.mp4: Permission denied" in done.stderr


@pytest.mark.skipif(bool(list(Path("/dev").glob("video*"))), reason="this machine has a camera")
def test_without_a_camera_it_says_what_it_looked_for(tiny_model):
    done = run("run", "--model", tiny_model)
    assert done.returncode == 1
    for word in ("picamera2", "/dev/video", "--source", "demo"):
        assert word in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_cleanly_with_statistics(number, tiny_model, tmp_path):
    output = tmp_path / "out.jsonl"
    process = subprocess.Popen(
        command("run", "--source", "demo:live", "--model", tiny_model, "--output", output),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and not (output.exists() and len(output.read_bytes()) > 2000):
        time.sleep(0.05)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"ended by {signal.Signals(number).name}" in out
    assert "Traceback" not in err
    assert all(row["schema"] == 1 for row in rows(output))


def test_nohup_outlives_its_terminal(tiny_model, tmp_path):
    process = subprocess.Popen(
        ["nohup", *command("run", "--source", "demo:live", "--model", tiny_model, "--json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"},
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(str(tmp_path / "notify"))
        ready.settimeout(60)
        ready.recv(4096)
        process.send_signal(signal.SIGHUP)  # what the end of an ssh session sends
        ready.recv(4096)  # a second later the loop still reports
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["ended_by"] == "SIGTERM"


def test_the_disk_filling_up_does_not_stop_the_loop(tiny_model):
    done = run(
        "run", "--source", "demo:20", "--model", tiny_model, "--output", "/dev/full", "--overwrite", "--json"
    )
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["frames"] == 20
    assert document["outputs"] == {"/dev/full": {"written": 0, "dropped": 20}}
    assert "/dev/full lacks 20 of 20 results: cannot write /dev/full: No space left" in document["notes"][0]
    assert "going on without it" in done.stderr
