"""The unit file as systemd itself judges it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli.service_options import needs_of
from device.errors import EdgeError, UsageError
from device.service.credentials import hand_over
from device.service.systemd import install_unit, remove_unit
from device.service.unit import Needs, unit_text

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


def let_others_in(folder):
    """Open ``folder``, and those around it that pytest made for its user alone, to every user."""
    for one in (folder, *folder.parents):
        if one == folder or one.name.startswith(("pytest-", "popen-")):
            one.chmod(0o755)


def test_a_file_that_the_service_could_not_read_is_refused(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "device"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setattr("device.service.systemd.systemctl", lambda *order: None)  # would start a service here
    let_others_in(tmp_path)
    (tmp_path / "open").mkdir()
    model = tmp_path / "open" / "my own.tflite"
    asked = ("--model", str(model))

    def install():
        return install_unit(asked, tmp_path, overwrite=True, needs=needs_of(asked))

    with pytest.raises(EdgeError, match=r"no such file: .*own\.tflite"):
        install()
    model.write_bytes(b"model")
    model.chmod(0o600)
    with pytest.raises(
        EdgeError, match=r"own\.tflite can be read by no other user.* chmod o\+r '/.*own\.tflite'$"
    ):
        install()
    model.chmod(0o644)
    model.parent.chmod(0o700)
    with pytest.raises(EdgeError, match="lets no other user in"):
        install()
    model.parent.chmod(0o755)
    install()
    monkeypatch.chdir(model.parent)
    with pytest.raises(
        UsageError, match=f"--model my own.tflite: a service starts in .*pass the whole path, {model}"
    ):
        needs_of(("--model", "my own.tflite"))


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
    monkeypatch.setattr("device.service.systemd._refuse_closed", lambda program: None)
    return "cannot run systemctl" if request.param == "missing" else "System has not been booted"


def test_a_unit_that_systemd_does_not_take_is_taken_back(no_systemd, tmp_path):
    units = tmp_path / "units"
    with pytest.raises(EdgeError, match=f"{no_systemd}.* is taken back; `no_start`"):
        install_unit((), units)
    assert not units.exists()  # nor what was written there
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
    program = tmp_path / "closed to all" / "bin" / "device"
    program.parent.mkdir(parents=True)
    program.touch()
    program.parents[1].chmod(0o700)
    monkeypatch.setattr(sys, "argv", [str(program)])
    let_others_in(tmp_path)
    with pytest.raises(EdgeError, match=r"lets no other user in.* chmod o\+x '/.*/closed to all',"):
        install_unit((), tmp_path)
    assert not (tmp_path / "fer-edge.service").exists()


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


@pytest.mark.parametrize("address", ["rtsp://u:12/3@cam/1", "rtsp://me@mail.example:word@cam", "me:word@pi"])
def test_an_address_with_an_odd_password_stands_on_no_command_line(address):
    found = hand_over(("--mqtt", address))
    assert (found.arguments, found.environment) == ([], {"FER_EDGE_MQTT": address})


def test_files_with_secrets_are_handed_over_by_systemd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = unit_text(("--mqtt", "mqtts://me@pi", "--mqtt-password-file", "secret", "--mqtt-ca=/etc/ca.pem",
                      "--mqtt-cert=/etc/100%s.pem"))  # fmt: skip
    assert f"LoadCredential=mqtt-password-file:{tmp_path}/secret\n" in text
    assert "LoadCredential=mqtt-cert:/etc/100%%s.pem\n" in text
    assert "LoadCredential=mqtt-ca:/etc/ca.pem\n" in text
    assert (
        "--mqtt mqtts://me@pi --mqtt-password-file ${CREDENTIALS_DIRECTORY}/mqtt-password-file "
        "--mqtt-ca ${CREDENTIALS_DIRECTORY}/mqtt-ca --mqtt-cert ${CREDENTIALS_DIRECTORY}/mqtt-cert\n" in text
    )


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
