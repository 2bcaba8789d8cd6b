"""The small commands as installed: exit codes, one JSON document, one line of error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli import COMMANDS
from device.cli.ending import run_script
from device.model.expression_model import PACKAGED_MODEL

DEVICE = Path(sys.executable).parent / "device"


@pytest.fixture
def run(tmp_path):
    def call(*arguments, **kwargs) -> subprocess.CompletedProcess:
        return subprocess.run(
            [DEVICE, *map(str, arguments)],
            text=True,
            timeout=60,
            env={**os.environ, "FER_EDGE_HOME": str(tmp_path / "state")},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs},
        )

    return call


def test_an_installed_model_is_what_runs_until_it_is_rolled_back(run, tiny_model):
    done = run("install", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert Path(document["previous"]) == PACKAGED_MODEL
    assert Path(document["current"]).read_bytes() == tiny_model.read_bytes()
    checks = json.loads(run("doctor", "--source", "demo", "--json").stdout)["checks"]
    assert document["current"] in next(check["found"] for check in checks if check["name"] == "model")
    assert run("run", "--source", "demo:5", "-q").returncode == 0
    back = run("rollback", "--json")
    if back.returncode == 0:  # the packaged model is there
        assert json.loads(back.stdout) == {"current": document["previous"], "previous": document["current"]}
    else:
        assert "carries no model" in back.stderr


def test_a_broken_model_is_refused_in_one_line(run, tiny_model, tmp_path):
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(tiny_model.read_bytes()[:1500])
    done = run("install", cut)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert run("rollback").returncode == 1


def test_doctor_fails_where_something_fails(run, tiny_model):
    whole = run("doctor", "--source", "demo", "--model", tiny_model)
    assert whole.returncode == 0
    assert any(line.startswith("ok") for line in whole.stdout.splitlines())
    quiet = run("doctor", "--source", "demo", "--model", tiny_model, "-q")
    assert quiet.returncode == 0
    assert quiet.stdout.splitlines() == [
        line for line in whole.stdout.splitlines() if not line.startswith("ok")
    ]
    done = run("doctor", "--source", "usb:97", "--model", tiny_model)
    assert done.returncode == 1
    assert any(line.startswith("fail camera") and "→" in line for line in done.stdout.splitlines())
    assert "Traceback" not in done.stderr
    assert done.stderr == "error: not fit to run: camera; each 'fail' above says what to do\n"
    quiet = run("doctor", "--source", "usb:97", "--model", tiny_model, "-q")
    assert any(line.startswith("fail camera") for line in quiet.stdout.splitlines())


def test_fetch_says_why_it_could_not(run):
    done = run("fetch", "yunet", "--overwrite", "--url", "http://127.0.0.1:9/yunet.onnx")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "copy face_detection_yunet_2023mar.onnx" in done.stderr
    assert run("fetch", "retina").returncode == 2


def test_the_service_unit_is_shown_with_its_options(run):
    done = run("service", "show", "--", "--source", "usb:0", "--mqtt", "pi.local")
    assert done.returncode == 0
    assert "run -q --source usb:0 --mqtt pi.local\n" in done.stdout
    assert run("service", "show", "--", "--sauce", "usb:0").returncode == 2


def test_a_folder_that_may_not_be_read_is_one_line(run, tiny_model, tmp_path, as_any_user):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    done = run("run", "--source", closed, "--model", tiny_model, preexec_fn=as_any_user)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"cannot use {closed}: Permission denied" in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("info", "MODEL"), ("run", "-v", "--source", "demo:3"), ("--help",)])
def test_a_full_standard_output_is_one_line(run, tiny_model, monkeypatch, arguments, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        done = run(*(tiny_model if one == "MODEL" else one for one in arguments), stdout=full)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: cannot write: No space left on device; ")


@pytest.mark.parametrize("group", [(), ("service",)])
def test_a_group_alone_prints_its_help(run, group):
    done = run(*group)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == run(*group, "--help").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_imports_nothing_heavy(name):
    code = (
        f"import sys; sys.argv = ['device', {name!r}, '--help']\n"
        "from device.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'numpy', 'cv2', 'ai_edge_litert', 'paho', 'urllib.request'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [("-h",), ("run", "-h"), ("service", "-h")])
def test_h_is_help(run, arguments):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: device")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(("rnu",), "run"), (("instal", "x"), "install"), (("service", "instal"), "install")],
)
def test_a_mistyped_command_gets_a_suggestion(run, typed, meant):
    done = run(*typed)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"Did you mean '{meant}'?" in done.stderr


def test_a_command_like_no_other_gets_all_that_there_are(run):
    done = run("service", "xyzzy")
    assert done.returncode == 2
    assert "No such command 'xyzzy'. There are: install, show, uninstall." in done.stderr


def test_more_memory_than_there_is_is_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        run_script(lambda: bytearray(1 << 62))
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: not enough memory.*; ask for less, or end other programs\n", said)


def test_a_mistyped_option_gets_the_nearest_that_the_help_shows(run):
    done = run("run", "--smothing", "1")
    assert done.stderr == (
        "error: No such option '--smothing'. Did you mean '--smoothing'? (see 'device run --help')\n"
    )
    assert "Did you mean" not in run("run", "--xyzzy").stderr
