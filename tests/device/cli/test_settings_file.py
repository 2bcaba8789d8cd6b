"""``device run --config FILE`` and ``device config``: every option by its name, the command line wins."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from device.cli.run import run as run_command
from device.cli.settings_file import settings_of

ROOT = Path(__file__).parents[3]


def device(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "device", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


@pytest.fixture
def settings(tmp_path, tiny_model):
    def write(*lines: str) -> Path:
        path = tmp_path / "config.toml"
        common = [f'model = "{tiny_model}"', 'detector = "haar"', "json = true"]
        path.write_text("\n".join([*common, *lines]) + "\n")
        return path

    return write


def test_a_file_sets_what_options_set_and_the_command_line_wins(settings):
    path = settings('source = "demo:7"', "max_frames = 5")
    said = json.loads(device("run", "--config", path).stdout)
    assert (said["frames"], said["ended_by"]) == (5, "--max-frames")
    assert json.loads(device("run", "--config", path, "--max-frames", 2).stdout)["frames"] == 2
    assert json.loads(device("run", "--source", "demo:3", "--config", path).stdout)["frames"] == 3


def test_a_secret_is_read_from_where_it_stands(settings, tmp_path):
    (tmp_path / "where").write_text("demo:4\n")
    path = settings(f'source = {{ file = "{tmp_path / "where"}" }}')
    assert json.loads(device("run", "--config", path).stdout)["frames"] == 4
    path = settings('source = { env = "WHERE" }')
    assert json.loads(device("run", "--config", path, WHERE="demo:2").stdout)["frames"] == 2
    shown = device("config", "show", path, WHERE="demo:2").stdout
    assert tomllib.loads(shown)["source"] == {"env": "WHERE"}
    assert "demo:2" not in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("min-fce = 40", "config.toml line 4 sets min-fce, which is no option; did you mean min-face?"),
        (
            'source = "demo"\n[[rules]]\nmqtt = "a"',
            "line 5 sets rules, which is no option; did you mean rule?",
        ),
        ('source = "demo"\n[[rule]]\nmqqt = "a"', "rule 1 has no setting mqqt; did you mean mqtt?"),
        (
            'source = "demo"\n[[rule]]\nexpression = "hapy"\nmqtt = "a"',
            "rule 1 can never fire: the model knows no 'hapy'",
        ),
        ('source = "demo"\n[[rule]]\nmqtt = "a"', "rule 1 publishes a, but there is no --mqtt broker"),
        (
            'source = "demo"\nlabels = "a,b,c,d,e,f,g"\n[[rule]]\nexpression = "happy"\ngpio = 1',
            "knows no 'happy'",
        ),
        ('source = "demo"\nsize = "huge"', "--size is huge; expected WIDTHxHEIGHT"),
        ('source = "demo"\ntimeline = "run.txt"', "--timeline run.txt: expected a name ending in .png"),
        ('source = "demo"\nprior = "happy"', "expected CLASS=WEIGHT"),
        ('source = "demo"\nmetrics = "host:port"', "--metrics host:port: expected HOST:PORT"),
        ('source = "demo"\npreview = "host:port"', "--preview host:port: expected HOST:PORT"),
        ('source = "demo"\nmqtt = "mqtt://a/b/c"', "--mqtt: expected HOST"),
        ('min-face = "large"', "'large' is not a valid integer"),
        ('overwrite = "yes"', 'overwrite is "yes"; expected true or false'),
        ('source = ["a", "b"]', "source is a list; expected one value"),
        ('mqtt = { file = "/nowhere/at/all" }', "mqtt is to be read from /nowhere/at/all"),
        ('mqtt = { env = "NOT_SET_ANYWHERE" }', "$NOT_SET_ANYWHERE, which is not set"),
        ('mqtt = { path = "x" }', 'expected { file = "PATH" } or { env = "NAME" }'),
        ('mqtt = { env = ["x"] }', 'expected { file = "PATH" } or { env = "NAME" }'),
        ('mqtt = { file = "/dev/zero" }', "mqtt is to be read from /dev/zero: it is no regular file"),
        ("source = [" + "[" * 20_000, "it is nested too deep"),
        ("max-frames = " + "9" * 10_000, "is no TOML: Exceeds the limit"),
        ("seconds = " + "9" * 400, "a number of 400 digits is too large"),
        ("threads = 100000000", "100000000 is not in the range 1<=x<=64"),
        ('source = "demo\\u0000"', "source holds a NUL character"),
        ('source = "demo:' + "9" * 5000 + '"', "unknown source 'demo:9"),
        (
            'source = "demo"\n[[rule]]\nmqtt = "a"\nheld-for = ' + "9" * 400,
            "expected a number from 0 to 86400",
        ),
        ("a = 1\n" * 20_000, "KB, expected at most 64"),
        ("= 3", "is no TOML"),
        ('detector = "eigenfaces"', "is no TOML"),  # the key stands twice
    ],
)
@pytest.mark.parametrize("command", [("run", "--config"), ("config", "check")])
def test_a_wrong_file_is_one_line(settings, line, said, command):
    done = device(*command, settings(line))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


@pytest.mark.parametrize(
    ("lines", "lasts"),
    [(['source = "demo"', "max-frames = 60"], "2 s"), (['source = "demo:live"', "seconds = 0.5"], "0.5 s")],
)
def test_a_rule_that_must_hold_longer_than_the_run_is_said(settings, lines, lasts):
    path = settings(*lines, "[[rule]]", "held-for = 9", 'command = "true"')
    said = f"warning: rule 1 can never fire: it must hold for 9 s, and this run lasts {lasts}\n"
    for command in (("config", "check"), ("run", "--config")):
        done = device(*command, path)
        assert (done.returncode, done.stderr) == (0, said)
    path = settings(*lines, "[[rule]]", "held-for = 0.5", 'command = "true"')
    assert device("config", "check", path).stderr == ""


@pytest.mark.parametrize("command", [("run", "--config"), ("config", "check"), ("config", "show")])
def test_a_pipe_that_nobody_fills_is_no_file_of_settings(tmp_path, command):
    os.mkfifo(tmp_path / "pipe.toml")
    done = device(*command, tmp_path / "pipe.toml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "it is no regular file" in done.stderr


def test_check_and_show(settings, tmp_path):
    path = settings('source = "picamera"', 'control = ["AfMode=0"]')
    done = device("config", "check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 settings and 0 rules, all known and valid" in done.stdout
    shown = device("config", "show", path).stdout
    assert tomllib.loads(shown)["control"] == ["AfMode=0"]
    for key in settings_of(run_command):
        assert f"\n{key} = " in shown or f"\n# {key} = " in shown, key
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert device("config", "check", again).returncode == 0


def test_every_default_that_is_shown_is_valid(tmp_path):
    """With all comment signs of defaults taken away the file is still a file of settings."""
    lines = device("config", "show").stdout.splitlines()
    names = settings_of(run_command)
    set_all = [
        line.removeprefix("# ")
        for line in lines
        if line.removeprefix("# ").partition(" = ")[0] in names and not line.endswith('= ""')
    ]
    path = tmp_path / "all.toml"
    path.write_text("\n".join(set_all))
    done = device("config", "check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(set_all) >= 8


@pytest.mark.parametrize(
    ("line", "online"), [('mqtt = "pi.local"', True), ('source = "rtsp://cam/1"', True), ("", False)]
)
def test_a_service_takes_the_file_as_a_credential_and_the_network_that_it_needs(settings, line, online):
    """The service's own user may not read what only root may: systemd hands the file over."""
    path = settings(line)
    done = device("service", "show", "--", "--config", path)
    assert done.returncode == 0, done.stderr
    assert f"LoadCredential=config:{path}" in done.stdout
    assert "--config ${CREDENTIALS_DIRECTORY}/config" in done.stdout.replace('"', "")
    assert ("PrivateNetwork=yes" not in done.stdout) is online


def test_a_service_with_a_wrong_file_is_refused_before_it_is_written(settings):
    done = device("service", "show", "--", "--config", settings("min-fce = 3"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "did you mean min-face" in done.stderr
