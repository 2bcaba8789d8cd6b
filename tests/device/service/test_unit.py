"""The unit file as systemd itself judges it, and the watchdog on a real notification socket."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from device.cli.service_options import needs_of
from device.errors import EdgeError, UsageError
from device.service.unit import Needs, install_unit, remove_unit, unit_text
from device.service.watchdog import FRESH_MS, WatchdogSink

DEVICE = Path(sys.executable).parent / "device"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@needs_systemd
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--source", "usb:0"),
        ("--mqtt", "host"),
        ("--output", 'a b%$".jsonl', "--append"),
        ("--delegate", "edgetpu"),
    ],
)
def test_systemd_finds_no_fault(arguments, tmp_path):
    path = tmp_path / "fer-edge.service"
    path.write_text(unit_text(arguments, needs=needs_of(arguments)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", path],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize(("arguments", "most"), [(("--source", "usb:0"), 1.0), (("--mqtt", "host"), 1.5)])
def test_systemd_calls_it_safe(arguments, most, tmp_path):
    path = tmp_path / "fer-edge.service"
    path.write_text(unit_text(arguments, "/opt/fer-edge/bin/device", needs=needs_of(arguments)))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", path], capture_output=True, text=True, timeout=60
    )
    (line,) = [line for line in done.stdout.splitlines() if "Overall exposure level" in line]
    assert float(line.split(":")[1].split()[0]) <= most


NEEDS = {
    "network": "AF_INET6",
    "accelerator": "DeviceAllow=char-usb_device rw\n",
    "gpio": "DeviceAllow=char-gpiochip rw\n",
}
LAMP = '[[rule]]\nname = "smile"\nexpression = "happy"\ngpio = 17\n'


@pytest.mark.parametrize(
    ("arguments", "settings", "needed"),
    [
        (("--source", "picamera"), "", ()),
        (("--mqtt", "pi"), "", ("network",)),
        (("--source", "rtsp://cam/x"), "", ("network",)),
        (("--preview=0.0.0.0:80",), "", ("network",)),
        ((), "metrics = true\n", ("network",)),
        (("--delegate", "edgetpu"), "", ("accelerator",)),
        ((), 'delegate = "edgetpu"\n', ("accelerator",)),
        ((), LAMP, ("gpio",)),
        ((), f'source = "http://cam/x"\ndelegate = "edgetpu"\n{LAMP}', tuple(NEEDS)),
    ],
)
def test_a_service_touches_what_its_options_and_settings_need_and_nothing_else(
    arguments, settings, needed, tmp_path
):
    if settings:
        (tmp_path / "settings.toml").write_text(settings)
        arguments = (*arguments, "--config", str(tmp_path / "settings.toml"))
    text = unit_text(arguments, needs=needs_of(arguments))
    assert tuple(name for name, line in NEEDS.items() if line in text) == needed
    assert ("PrivateNetwork=yes" in text) == ("network" not in needed)
    (groups,) = [line for line in text.splitlines() if line.startswith("SupplementaryGroups=")]
    assert groups.split("=")[1].split() == [
        "video", *(["plugdev"] if "accelerator" in needed else []), *(["gpio"] if "gpio" in needed else [])
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["output", "video", "save-frames", "annotate", "timeline"])
@pytest.mark.parametrize("path", ["/home/pi/{}", "../{}", "/var/lib/fer-edge/../{}"])
def test_an_output_where_the_service_cannot_write_is_refused(option, path):
    file = {"output": "rows.csv", "video": "film.avi", "timeline": "day.png"}.get(option, "kept")
    arguments = ("--source", "photos", f"--{option}", path.format(file), "--overwrite")
    with pytest.raises(UsageError, match=f"--{option} .*a service writes below /var/lib/fer-edge alone"):
        needs_of(arguments)
    for reached in (file, f"/var/lib/fer-edge/{file}"):
        needs_of(("--source", "photos", f"--{option}", reached, "--overwrite"))


def test_a_file_that_the_service_could_not_read_is_refused(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "device"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setattr("device.service.unit.systemctl", lambda *order: None)  # would start a service here
    for folder in (tmp_path, *tmp_path.parents[:2]):  # pytest's own
        folder.chmod(0o755)
    (tmp_path / "open").mkdir()
    model = tmp_path / "open" / "own.tflite"
    asked = ("--model", str(model))

    def install():
        return install_unit(asked, tmp_path, overwrite=True, needs=needs_of(asked))

    with pytest.raises(EdgeError, match=r"no such file: .*own\.tflite"):
        install()
    model.write_bytes(b"model")
    model.chmod(0o600)
    with pytest.raises(EdgeError, match=r"own\.tflite can be read by no other user.* chmod o\+r"):
        install()
    model.chmod(0o644)
    model.parent.chmod(0o700)
    with pytest.raises(EdgeError, match="lets no other user in"):
        install()
    model.parent.chmod(0o755)
    install()
    monkeypatch.chdir(model.parent)
    with pytest.raises(
        UsageError, match=f"--model own.tflite: a service starts in .*pass the whole path, {model}"
    ):
        needs_of(("--model", "own.tflite"))


def test_what_it_reads_at_home_is_shown_to_the_service():
    assert "ProtectHome=read-only\n" in unit_text(
        (), "/opt/device", needs=Needs(read=("/home/pi/own.tflite",))
    )
    assert "ProtectHome=yes\n" in unit_text((), "/opt/device", needs=Needs(read=("/opt/own.tflite",)))


def test_a_different_unit_is_not_replaced_unasked(tmp_path):
    path = install_unit((), tmp_path, start=False)
    install_unit((), tmp_path, start=False)  # the same again is no conflict
    with pytest.raises(EdgeError, match="`overwrite`"):
        install_unit(("--source", "usb:1"), tmp_path, start=False)
    install_unit(("--source", "usb:1"), tmp_path, overwrite=True, start=False)
    assert "--source usb:1" in path.read_text()


@pytest.fixture(params=["missing", "failing"])
def no_systemd(request, tmp_path, monkeypatch):
    """A machine where systemctl is missing or cannot do anything; the real one would start a service here."""
    programs = tmp_path / "programs"
    programs.mkdir()
    if request.param == "failing":
        (programs / "systemctl").write_text(
            "#!/bin/sh\necho 'System has not been booted with systemd' >&2; exit 1"
        )
        (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    # The test's own Python may lie where no other user may go.
    monkeypatch.setattr("device.service.unit._refuse_closed", lambda program: None)
    return "cannot run systemctl" if request.param == "missing" else "System has not been booted"


def test_a_unit_that_systemd_does_not_take_is_taken_back(no_systemd, tmp_path):
    units = tmp_path / "units"
    with pytest.raises(EdgeError, match=f"{no_systemd}.* is taken back; `no_start`"):
        install_unit((), units)
    assert list(units.iterdir()) == []
    path = install_unit((), units, start=False)
    with pytest.raises(EdgeError, match=no_systemd):
        install_unit((), units)
    assert path.exists()  # it was there before


def test_a_unit_is_removed_without_systemctl_too(no_systemd, tmp_path, said):
    path = install_unit((), tmp_path, start=False)
    assert remove_unit(tmp_path) == path
    assert not path.exists()
    (line,) = said
    assert no_systemd in line
    assert "--no-start" not in line
    with pytest.raises(EdgeError, match="not installed"):
        remove_unit(tmp_path)


def test_the_unit_runs_the_path_by_which_device_was_called(tmp_path):
    """A link that is switched later is followed by the service, and a home folder behind it can be read."""
    (tmp_path / "current").symlink_to(DEVICE.parents[1])
    called = tmp_path / "current" / "bin" / "device"
    done = subprocess.run([called, "service", "show"], capture_output=True, text=True, timeout=60)
    assert f"ExecStart={called} run -q\n" in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "device", "service", "show"], capture_output=True, text=True, timeout=60
    )
    assert f"ExecStart={DEVICE} run -q\n" in done.stdout


def test_a_program_that_the_service_cannot_reach_is_refused(tmp_path, monkeypatch):
    program = tmp_path / "closed" / "bin" / "device"
    program.parent.mkdir(parents=True)
    program.touch()
    program.parents[1].chmod(0o700)
    monkeypatch.setattr(sys, "argv", [str(program)])
    with pytest.raises(EdgeError, match=r"lets no other user in.* chmod o\+x"):
        install_unit((), tmp_path)
    assert not (tmp_path / "fer-edge.service").exists()


@pytest.mark.parametrize("options", [("--detector", "mtcnn"), ("--mqtt-topic", "home")])
def test_options_that_run_would_refuse_are_refused_at_once(options):
    done = subprocess.run(
        [DEVICE, "service", "show", "--", *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("output", ["--output=rows.jsonl", "--video=film.avi", "--save-frames=kept"])
def test_an_output_that_would_stop_the_second_start_is_refused(output):
    def show(*options):
        command = [DEVICE, "service", "show", "--", output, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    done = show()
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "second start" in done.stderr
    assert "--overwrite" in done.stderr
    assert show("--overwrite").returncode == 0
    assert show("--append").returncode == (0 if output.startswith("--output") else 2)


@pytest.fixture
def systemd(tmp_path):
    """The socket on which systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(0.2)
        yield listening


def heard(listening) -> list[str]:
    lines = []
    try:
        while True:
            lines += listening.recv(4096).decode().split("\n")
    except TimeoutError:
        return lines


def test_the_watchdog_is_fed_by_fresh_frames_with_inferences_only(systemd, a_result):
    import dataclasses

    now, proofs = [0.0], []

    def predict(crops):
        proofs.append(crops.shape)
        return np.full((1, 7), 1 / 7)

    sink = WatchdogSink(systemd.getsockname(), predict, every_s=1.0, clock_s=lambda: now[0])
    sink.write(dataclasses.replace(a_result(0), age_ms=FRESH_MS + 1))
    assert heard(systemd) == []  # a stalled camera: not even ready
    sink.write(a_result(1))
    lines = heard(systemd)
    assert lines[0] == "READY=1"
    assert "WATCHDOG=1" in lines
    assert any(line.startswith("STATUS=#1 happy") for line in lines)
    now[0] = 0.5
    sink.write(a_result(2))
    assert heard(systemd) == []
    assert proofs == []
    now[0] = 20.0
    sink.write(a_result(3, faces=0))  # nobody there: the network must prove itself
    assert "WATCHDOG=1" in heard(systemd)
    assert proofs == [(1, 48, 48)]
    sink.close()
    assert heard(systemd) == ["STOPPING=1"]


def test_a_real_run_reports_to_systemd(systemd, tiny_model):
    process = subprocess.Popen(
        [DEVICE, "run", "-q", "--source", "demo:live", "--model", tiny_model],
        env={**os.environ, "NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "3000000"},
    )
    deadline_s, lines = time.monotonic() + 60, []
    while time.monotonic() < deadline_s and lines.count("WATCHDOG=1") < 2:
        lines += heard(systemd)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    lines += heard(systemd)
    assert lines[0] == "READY=1"
    assert lines.count("READY=1") == 1
    assert lines.count("WATCHDOG=1") >= 2
    assert lines[-1] == "STOPPING=1"


SECRET = ("--source", 'rtsp://me:wo"$r`d\\@cam/1', "--mqtt=mqtts://camera:p%2Fw@pi", "--append")


def test_no_password_stands_where_others_may_read_it(tmp_path):
    unit = install_unit(SECRET, tmp_path, start=False, needs=needs_of((*SECRET, "--output", "rows.csv")))
    environment = tmp_path / "fer-edge.env"
    assert environment.stat().st_mode & 0o777 == 0o600
    text = unit.read_text()
    assert "run -q --append\n" in text
    assert f"EnvironmentFile={environment}\n" in text
    assert not any(word in text for word in ("rtsp", "mqtts", "p%2Fw"))
    assert "AF_INET6" in text  # the addresses need the network all the same
    assert environment.read_text() == (
        'FER_EDGE_SOURCE="rtsp://me:wo\\"\\$r\\`d\\\\@cam/1"\nFER_EDGE_MQTT="mqtts://camera:p%2Fw@pi"\n'
    )
    install_unit((), tmp_path, overwrite=True, start=False)
    assert [path.name for path in tmp_path.iterdir()] == ["fer-edge.service"]


def test_files_with_secrets_are_handed_over_by_systemd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = unit_text(("--mqtt", "mqtts://me@pi", "--mqtt-password-file", "secret", "--mqtt-ca=/etc/ca.pem"))
    assert f"LoadCredential=mqtt-password-file:{tmp_path}/secret\n" in text
    assert "LoadCredential=mqtt-ca:/etc/ca.pem\n" in text
    assert (
        "--mqtt mqtts://me@pi --mqtt-password-file ${CREDENTIALS_DIRECTORY}/mqtt-password-file "
        "--mqtt-ca ${CREDENTIALS_DIRECTORY}/mqtt-ca\n" in text
    )


SETTINGS = """
mqtt = { file = "broker" }
mqtt-password-file = "/nowhere/password"
mqtt-ca = "/nowhere/ca.pem"
"""


def test_secrets_that_settings_name_are_handed_over_by_systemd_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("broker").write_text("mqtts://me@pi\n")
    Path("settings.toml").write_text(SETTINGS)
    asked = ("--config", "settings.toml", "--mqtt-ca", "/etc/ca.pem")
    text = unit_text(asked, needs=needs_of(asked))
    assert sorted(line for line in text.splitlines() if line.startswith("LoadCredential")) == [
        f"LoadCredential=config:{tmp_path}/settings.toml",
        "LoadCredential=mqtt-ca:/etc/ca.pem",  # the command line wins
        "LoadCredential=mqtt-password-file:/nowhere/password",
        f"LoadCredential=mqtt:{tmp_path}/broker",
    ]
    monkeypatch.setenv("BROKER", "mqtts://me@pi")
    Path("settings.toml").write_text('mqtt = { env = "BROKER" }\n')
    with pytest.raises(
        UsageError, match=r"line 1: mqtt is to be read from \$BROKER, which the service does not have"
    ):
        needs_of(("--config", "settings.toml"))


def test_a_run_reads_the_secrets_that_systemd_shows_it(tmp_path, monkeypatch):
    """The files themselves are root's alone, here not there at all."""
    from device.cli.run import asked_options, run

    shown = tmp_path / "credentials"
    shown.mkdir()
    (shown / "mqtt").write_text("mqtts://me@pi\n")
    (shown / "mqtt-password-file").write_text("secret")
    (tmp_path / "settings.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(shown))
    asked = asked_options(run.make_context("device run", ["--config", "settings.toml"]))
    assert asked.mqtt == "mqtts://me@pi"
    assert asked.mqtt_password_file == str(shown / "mqtt-password-file")
    assert asked.mqtt_ca == "/nowhere/ca.pem"  # which systemd does not show


def test_what_no_unit_can_hold_is_refused(tmp_path):
    for argument in ("a\nb", "a\udcff"):
        with pytest.raises(UsageError, match="no place in a unit"):
            install_unit(("--output", argument), tmp_path, start=False)
    assert list(tmp_path.iterdir()) == []


def test_no_core_is_dumped(tiny_model):
    assert "LimitCORE=0\n" in unit_text(())
    program = (
        "import resource, sys; from device.cli.run import run\n"
        "try: run.main(sys.argv[1:], standalone_mode=False)\n"
        "finally: print(resource.getrlimit(resource.RLIMIT_CORE), file=sys.stderr)"
    )
    asked = ["--source", "demo:2", "--detector", "haar", "-q", "--model", tiny_model]
    done = subprocess.run([sys.executable, "-c", program, *asked], capture_output=True, text=True, timeout=60)
    assert done.stderr == "(0, 0)\n"


ARENAS = """
import ctypes, threading
together, held = threading.Barrier(6), []
def hold():
    held.append(b"x" * 10_000)
    together.wait()
threads = [threading.Thread(target=hold) for _ in range(6)]
[one.start() for one in threads]
[one.join() for one in threads]
library = ctypes.CDLL(None)
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
"""


def test_threads_of_the_service_share_two_arenas_of_memory():
    (line,) = [line for line in unit_text(()).splitlines() if line.startswith("Environment=")]
    unit = dict(pair.split("=", 1) for pair in line.removeprefix("Environment=").split())

    def arenas(environment):
        done = subprocess.run(
            [sys.executable, "-c", ARENAS], capture_output=True, text=True, env={**os.environ, **environment}
        )
        return done.stdout.count("<heap nr=")

    assert arenas({"MALLOC_ARENA_MAX": "50"}) > 2  # glibc, which keeps them apart
    assert arenas(unit) == 2
