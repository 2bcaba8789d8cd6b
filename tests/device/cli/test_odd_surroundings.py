"""Odd names, locales, folders and users: it works, or it is one line; never a signal."""

import configparser
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource

DEVICE = Path(sys.executable).with_name("device")
LOCALES = {
    "LC_ALL=C": {"LC_ALL": "C"},
    "C.UTF-8": {"LC_ALL": "C.UTF-8"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0"},
}


# Runs the program for each list of arguments, NULs between two, in a process forked from one that has imported OpenCV
# and LiteRT. Prints, a line each, exit status and standard error as JSON.
FORKING = """
import json, os, sys, tempfile
import ai_edge_litert.interpreter, cv2
import device.cli
for line in open(sys.argv[1], "rb").read().split(b"\\n"):
    with tempfile.TemporaryFile() as err:
        if not (child := os.fork()):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(err.fileno(), 2)
            sys.argv = ["device", *map(os.fsdecode, line.split(b"\\0"))]
            device.cli.main()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        err.seek(0)
        print(json.dumps([code, err.read().decode(errors="replace")]), flush=True)
"""


def run(*arguments, **environment) -> subprocess.CompletedProcess:
    command = [DEVICE, "run", "--detector", "haar", *arguments]
    return subprocess.run(
        command, capture_output=True, timeout=60, env={**os.environ, **environment}, errors="replace"
    )


@pytest.fixture
def odd(request, tmp_path) -> bytes:
    """A folder whose name is no ASCII, with one of each kind of file that is handed on to OpenCV."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + request.param))
    folder.mkdir()
    with DemoSource() as demo:
        picture = demo.picture(100)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    film = cv2.VideoWriter(str(tmp_path / "a.mkv"), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
    film.write(picture)
    film.release()
    shutil.copy(Path(cv2.__file__).parent / "data/haarcascade_frontalface_default.xml", folder / "a.xml")
    for name in ("a.png", "a.mkv"):
        shutil.copy(tmp_path / name, folder / name)
    (folder / "bad").write_bytes(b"nonsense")
    return os.fsencode(folder)


LATIN, UTF = b"na\xefve\xff", "gesicht-ü-日本".encode()


@pytest.mark.parametrize(
    ("odd", "locale"), [*((LATIN, locale) for locale in LOCALES), (UTF, "ascii")], indirect=["odd"]
)
def test_every_path_may_be_of_any_bytes(locale, odd, tiny_model, tmp_path):
    taken = (
        (b"--source", odd + b"/a.mkv", b"--output", odd + b"/rows.jsonl"),
        (b"--source", odd + b"/a.png", b"--detector-model", odd + b"/a.xml"),
        (b"--source", odd, b"--save-frames", odd + b"/kept", b"--video", odd + b"/film.mkv"),
        (b"--source", b"demo:3", b"--video", odd + b"/film.mp4", b"--json"),
    )
    refused = (
        (b"--source", odd + b"/bad"),
        (b"--source", odd + b"/gone.mp4"),
        (b"--source", b"http://127.0.0.1:9" + odd),
        (b"--source", b"http://x\xff/"),
        (b"--source", b"demo:3", b"--detector-model", odd + b"/bad"),
        (b"--source", b"demo:3", b"--detector", b"yunet", b"--detector-model", odd + b"/bad"),
        (b"--source", b"demo:3", b"--model", odd + b"/bad"),
        (b"--source", b"demo:3", b"--labels", odd + b"/bad"),
        (b"--source", b"demo:3", b"--output", odd + b"/no/rows.jsonl"),
        (b"--source", b"demo:3", b"--mqtt", b"x\xff"),
        (b"--source", b"demo:3", b"--preview", b"x\xff:0"),
    )
    common = (b"run", b"--detector", b"haar", b"--model", os.fsencode(tiny_model))
    asked = tmp_path / "asked"
    asked.write_bytes(b"\n".join(b"\0".join((*common, *options)) for options in (*taken, *refused)))
    command = [sys.executable, "-c", FORKING, asked]
    told = subprocess.run(command, capture_output=True, timeout=300, env={**os.environ, **LOCALES[locale]})
    done = [json.loads(line) for line in told.stdout.splitlines()]
    for options, (code, err) in zip((*taken, *refused), done, strict=True):
        if options in taken:
            assert code == 0, (options, code, err)
            continue
        assert code in (1, 2), (options, code, err)
        assert err.startswith("error: "), (options, err)
        assert err.count("\n") == 1


def test_letters_that_the_locale_lacks_are_escaped(tmp_path):
    """On standard output too, which Python opens strictly."""
    (tmp_path / "hello.py").write_text(
        "import click\nfrom device.cli.ending import run_command_line\n"
        "group = click.Group(commands=[click.Command('hello', callback=lambda: print('naïve – 日本'))])\n"
        "run_command_line(group, 'group')\n"
    )
    command = [sys.executable, tmp_path / "hello.py", "hello"]
    environment = {**os.environ, **LOCALES["ascii"], "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "na\\xefve \\u2013 \\u65e5\\u672c\n"


def test_ctrl_c_while_libraries_are_unloaded_changes_no_outcome(tmp_path):
    (tmp_path / "hello.py").write_text(
        "import atexit, click, time\nfrom device.cli.ending import run_command_line\n"
        "def unload():\n    print('unloading', flush=True)\n    time.sleep(1)\n"
        "group = click.Group(commands=[click.Command('hello', callback=lambda: atexit.register(unload) and None)])\n"
        "run_command_line(group, 'group')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    running = subprocess.Popen(
        [sys.executable, tmp_path / "hello.py", "hello"], text=True, env=environment, **streams
    )
    assert running.stdout.readline() == "unloading\n"
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (0, "")


@pytest.mark.parametrize("program", ["device", "toolkit"])
def test_ctrl_c_while_the_command_line_is_imported_is_one_line(program, tmp_path):
    """By the entry point of the installed script, as setup.cfg has it."""
    (tmp_path / "click.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)"
    )
    root, settings = Path(__file__).parents[3], configparser.ConfigParser()
    settings.read(root / "setup.cfg")
    scripts = settings["options.entry_points"]["console_scripts"].split("\n")
    (entry,) = [line.split(" = ")[1] for line in scripts if line.startswith(f"{program} =")]
    command = [sys.executable, "-c", "from {} import {} as main; main()".format(*entry.split(":"))]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{root}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: interrupted\n")


def in_namespace(*options: str, **environment: str) -> subprocess.CompletedProcess:
    """Run ``device run`` on three demo frames behind ``unshare OPTIONS``; skip where no namespace can be made."""
    if subprocess.run(["unshare", *options[:2], "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    command = ["unshare", *options, DEVICE, "run", "--detector", "haar", "--source", "demo:3", "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd="/")


def test_no_folder_for_temporary_files_is_needed():
    if DEVICE.is_relative_to("/tmp") or DEVICE.is_relative_to("/var/tmp"):
        pytest.skip("the program itself lies in a folder that is taken away")
    read_only = 'for one in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro none $one; done; exec "$@"'
    nowhere = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "/proc/nowhere")
    done = in_namespace("-r", "-m", "sh", "-c", read_only, "sh", PATH=os.environ["PATH"], **nowhere)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_user_without_home_and_name_runs_the_packaged_model():
    done = in_namespace("-U", "--map-user=54321", PATH=os.environ["PATH"])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["frames"] == 3


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--seconds", "inf", "--max-frames", "3"], 0),
        (["--seconds", "1e300", "--max-frames", "3"], 0),
        (["--seconds", "nan"], 2),
        (["--smoothing", "nan"], 2),
        (["--smoothing", "inf"], 2),
        (["--source", "demo:²"], 2),
        (["--source", "demo:-1"], 2),
    ],
)
def test_odd_numbers_are_taken_or_refused(options, code, tiny_model):
    done = run("--source", "demo:3", "-q", "--model", tiny_model, *options)
    assert (done.returncode, done.stderr.count("\n")) == (code, bool(code)), done.stderr


def test_a_pipe_in_a_folder_of_pictures_is_passed_over(tiny_model, tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.full((64, 64), 99, np.uint8))
    os.mkfifo(tmp_path / "2.png")
    done = run("--source", tmp_path, "--model", tiny_model, "--json")
    assert (done.returncode, json.loads(done.stdout)["frames"]) == (0, 1)


CLOSED = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-")


def closing(streams: str, *command: object) -> subprocess.CompletedProcess:
    """Run ``command`` as a launcher does that closes ``streams``, in a shell's words."""
    shell = ["sh", "-c", f'exec "$@" {streams}', "sh", *map(str, command)]
    return subprocess.run(shell, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("streams", CLOSED)
def test_a_command_does_its_work_without_standard_streams(streams, tmp_path):
    rows = tmp_path / "rows.jsonl"
    done = closing(streams, DEVICE, "run", "-v", "--source", "demo:3", "--output", rows)
    assert (done.returncode, "error" in done.stderr) == (0, False)
    assert rows.read_text().count("\n") == 3
    done = closing(streams, DEVICE, "info")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("asked", [("--output", "-"), ("--json",)])
def test_what_is_to_go_to_a_closed_stream_is_refused(asked):
    done = closing(">&-", DEVICE, "run", "-q", "--source", "demo:3", *asked)
    assert (done.returncode, done.stderr) == (
        1,
        "error: standard output is closed, and what is asked for goes there; send it to a file\n",
    )


@pytest.mark.parametrize("streams", CLOSED)
def test_a_command_started_by_a_command_has_all_three_streams(streams, tmp_path):
    (tmp_path / "start.py").write_text(
        "import click, subprocess, sys\nfrom device.cli.ending import run_command_line\n"
        "child = 'import os, sys; os.fstat(0), os.fstat(1), os.fstat(2)'\n"
        "def start():\n    sys.exit(subprocess.run([sys.executable, '-c', child], close_fds=True).returncode)\n"
        "run_command_line(click.Group(commands=[click.Command('start', callback=start)]), 'group')\n"
    )
    (tmp_path / "device").symlink_to(Path(__file__).parents[3] / "device")
    assert closing(streams, sys.executable, tmp_path / "start.py", "start").returncode == 0


def test_native_libraries_are_kept_silent_without_standard_streams(tmp_path):
    """For programs that use the library and were started so: no command line has opened anything."""
    program = (
        "import os; from device.quiet import silenced\nwith silenced(1, 2) as read: pass\nopen('done', 'w')"
    )
    shell = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", program]
    assert subprocess.run(shell, cwd=tmp_path).returncode == 0
    assert (tmp_path / "done").exists()


def test_a_command_started_in_a_folder_that_is_gone_says_so(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = 'cd "$0" && rmdir "$0" && exec "$@"'
    command = ["sh", "-c", shell, gone, DEVICE, "run", "--source", "demo:3", "--output", "rows.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (
        1,
        "error: the folder that this command was started in is gone; change to one that is there\n",
    )
