"""``device run --config FILE`` and ``device config``: every option by its name, the command line wins."""

import json
import logging
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from device.cli import main
from device.cli.messages import PACKAGES
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
def here(monkeypatch, capsys):
    """A function that runs ``device`` in this process: what it would print and exit with."""
    loggers = [logging.getLogger(name) for name in PACKAGES]
    before = [(one, one.handlers, one.propagate, one.level) for one in loggers]
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("device.runtime.stopping.leave", lambda code: pytest.fail("the run was not refused"))

    def run(*arguments) -> subprocess.CompletedProcess:
        command = ["device", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        return subprocess.CompletedProcess(command, ended.value.code, *capsys.readouterr())

    yield run
    for one, one.handlers, one.propagate, level in before:
        one.setLevel(level)


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
        ('min-face = "large"', 'min-face is "large"; expected a whole number'),
        ('overwrite = "yes"', 'overwrite is "yes"; expected true or false'),
        ('source = ["a", "b"]', "source is a list; expected one value"),
        ('mqtt = { file = "/nowhere/at/all" }', "mqtt is to be read from /nowhere/at/all"),
        ('mqtt = { env = "NOT_SET_ANYWHERE" }', "$NOT_SET_ANYWHERE, which is not set"),
        ('mqtt = { path = "x" }', 'expected { file = "PATH" } or { env = "NAME" }'),
        ('mqtt = { env = ["x"] }', 'expected { file = "PATH" } or { env = "NAME" }'),
        ('mqtt = { file = "/dev/zero" }', "mqtt is to be read from /dev/zero: it is no regular file"),
        ("source = [" + "[" * 20_000, "it is nested too deep"),
        ("threads = 0x" + "f" * 5000, "is no TOML: Exceeds the limit"),
        ("max-frames = " + "9" * 10_000, "is no TOML: Exceeds the limit"),
        ("seconds = " + "9" * 400, "a number of 400 digits is too large"),
        ("threads = 100000000", "100000000 is not in the range 1<=x<=64"),
        ('source = "demo\\u0000"', "source holds a NUL character"),
        ('source = "demo:' + "9" * 5000 + '"', "unknown source 'demo:9"),
        (
            'source = "demo"\n[[rule]]\nmqtt = "a"\nheld-for = ' + "9" * 400,
            "expected a number of seconds from 0 to 86400",
        ),
        ("a = 1\n" * 20_000, "KB, expected at most 64"),
        ("k" * 60_000 + " = 1", "kkk … "),
        ("= 3", "is no TOML"),
        ('detector = "eigenfaces"', "is no TOML"),  # the key stands twice
    ],
)
@pytest.mark.parametrize("command", [("run", "--config"), ("config", "check")])
def test_a_wrong_file_is_one_line(settings, here, line, said, command):
    """The commands are called in this process, as the installed script calls them: a hundred starts take a minute."""
    done = here(*command, settings(line))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert len(done.stderr) < 11_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'threads = "two"\r\n', 'line 1: threads is "two"; expected a whole number'),
        (b"\xef\xbb\xbfthreads = 99", "line 1: threads: 99 is not in the range 1<=x<=64."),
        ('a = "b"\nmqtt-topic = "küche"'.encode("latin-1"), "line 2 is no text in UTF-8; save the file as UTF-8"),
        (b"--min-face = 40", "line 1 sets --min-face, which is no option; did you mean min-face?"),
        (b"max_frames = 5\nmax-frames = 9", "line 1 sets max-frames, and again as max_frames; leave one of them"),
        (b'preview = true\nmetrics = "127.0.0.1:8008"', "line 1: --preview and --metrics both serve at port 8008"),
        (b"min-face = 3000000000", "line 1: --min-face is 3000000000 pixels; expected 10000 at most"),
        (b"min_face = 40\n\tmax_frames = 4.5", "line 2: max-frames is 4.5; expected a whole number"),
        (b"append = yes", "line 1 is no TOML: Invalid value; text stands in quotes; expected"),
        (b'fps = 15\nappend = "yes"', 'line 2: append is "yes"; expected true or false'),
        (b"fps = true", "line 1: fps is true; expected a number"),
        (b'seconds = "1m"', 'line 1: seconds is "1m"; expected a number'),
        (b'fps = 15\n\nfps = 30', "line 3 is no TOML: fps stands twice; leave one of the two out"),
        (b'[rule]\ngpio = 1\n[rule]', "line 3 is no TOML: rule stands twice; every rule begins with [[rule]]"),
        (b'[rule]\ngpio = 1', "line 1: rule is no list of tables; expected a line [[rule]]"),
        (b'[run]\nfps = 15', "line 1 sets run, which is no option; settings stand by their names alone"),
        (b'expression = "happy"', "line 1 sets expression, which is no option; it belongs to a rule, below"),
        (b'[[rule]]\ngpio = 1\nfps = 2', "line 3: fps stands in a rule; it is a setting of the run: move it above"),
        (b'fps = 15\nmqtt_topic = "x"', "line 2: --mqtt-topic belongs to --mqtt; add --mqtt HOST or leave it out"),
        (b'fps = 15\nmqtt = ""', "line 2: mqtt is empty; expected HOST[:PORT]; leave the line out"),
        (b'output = "~/rows.jsonl"', "line 1: output is ~/rows.jsonl; only a shell knows ~, write the whole path: /"),
        (b'mqtt = { file = "~/pw" }', "line 1: mqtt is ~/pw; only a shell knows ~"),
        (b'output = "rows.txt"', "line 1: --output rows.txt: expected a name ending in .jsonl, .csv"),
        (b'\noutput = "/gone/rows.csv"', "line 2: /gone/rows.csv: cannot write in /gone: No such file or directory"),
        (b'video = "film.mov"', "line 1: --video film.mov: expected a name ending in .avi, .mkv, .mp4"),
        (b'source = "demo"\nannotate = "x"', "line 2: --annotate marks pictures; demo is a film or a camera"),
        (b'sink = "mqtt"', "line 1: --sink mqtt: no installed package brings it; --mqtt is an option of its own"),
        (b'sink = ["x:1"]', "line 1: --sink x: no installed package brings it; there are: none"),
        (b"min-face = 8", "line 1: --min-face is 8 pixels; faces under 16 pixels"),
        (b'rotate = 45', "line 1: rotate: 45 is not one of '90', '180', '270'."),
        (b"source = 0", "line 1: unknown --source '0'; did you mean usb:0?"),
        (b'threads = 2\nmodel = "gone.tflite"', "line 2: cannot read the model gone.tflite: No such file"),
        (b'mqtt = "pi"\nmqtt-topic = "home/#"', "line 2: --mqtt-topic 'home/#': expected a name such as home/camera"),
        (b'mqtt = "pi"\n[[rule]]\nmqtt = "a/+"', "line 3: rule 1: mqtt is 'a/+'; expected a topic without + and #"),
        (b'\n[[rule]]\nname = "on"\n\ngpio = 99', "line 5: rule on: gpio is 99; expected a whole number from 0 to 27"),
        (b'[[rule]]\nname = "a"\ngpio = 1\n[[rule]]\ngpio = 2\nname = "a"', "line 6: two rules are called 'a'"),
        (b'[[rule]]\ngpio = 1\nheld_for = "1m"', "line 3: rule 1: held_for is '1m'; expected a number of seconds"),
        (b'[[rule]]\nexpression = "Hapy"\ngpio = 1', "line 2: rule 1 can never fire: the model knows no 'Hapy'; did"),
        (b'[[rule]]\ngpio = 1\n[[rule]]\nname = "idle"', "line 3: rule idle does nothing; add command, mqtt or gpio"),
        (b'[[rule]]\ncommand = ["~/lamp"]', "line 2: rule 1: command is ['~/lamp']; expected the whole path"),
        (b'[[rule]]\ngpio = 4\nfaces = 2\nnobody = true', "line 4: rule 1 can never fire: nobody has no expression"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_with_its_line(tmp_path, here, content, said):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    done = here("config", "check", path)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert f"error: --config {path} {said}" in done.stderr


def test_a_setting_of_the_command_line_is_no_fault_of_the_file(tmp_path, here):
    path = tmp_path / "config.toml"
    path.write_text('source = "demo"\nvideo = "film.avi"\n')
    done = here("run", "--config", path, "--video", "film.mov", "--threads", 99)
    assert (
        done.stderr
        == "error: Invalid value for '--threads': 99 is not in the range 1<=x<=64. (see 'device run --help')\n"
    )
    done = here("run", "--config", path, "--video", "film.mov")
    assert done.stderr == "error: --video film.mov: expected a name ending in .avi, .mkv, .mp4\n"


def test_an_address_that_has_a_default_may_be_true_or_false(tmp_path, here):
    path = tmp_path / "config.toml"
    path.write_text('source = "demo"\npreview = true\nmetrics = false\n')
    context = run_command.make_context("device run", ["--config", str(path)])
    assert (context.params["preview"], context.params["metrics"]) == ("127.0.0.1:8008", None)


def test_a_program_that_is_not_there_is_said(settings, here):
    done = here("config", "check", settings("[[rule]]", 'command = "lamp on"'))
    assert done.returncode == 0
    assert done.stderr == (
        "warning: rule 1: there is no program lamp on; a program and its arguments are a list of texts\n"
    )


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
