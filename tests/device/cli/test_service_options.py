"""What a service needs by the options of its run and its settings, and what it is refused for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from device.cli.service_options import needs_of
from device.errors import UsageError
from device.service.unit import unit_text

DEVICE = Path(sys.executable).parent / "device"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


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


@pytest.mark.parametrize("option", [("--sink", "mine:http://there"), ("--source", "mine:there")])
def test_a_part_that_a_package_brings_may_ask_the_network(option, tmp_path, monkeypatch):
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[fer_edge.sinks]\nmine = mine:Sink\n[fer_edge.sources]\nmine = mine:Source\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert needs_of(option).network


def test_what_lies_in_the_service_s_own_folder_is_its_own():
    asked = (
        "--model",
        "/var/lib/fer-edge/own.tflite",
        "--labels",
        "/etc/labels.txt",
        "--source",
        "/dev/video0",
    )
    assert needs_of(asked).read == ("/etc/labels.txt",)


@pytest.mark.parametrize("option", ["output", "video", "save-frames", "annotate", "timeline"])
@pytest.mark.parametrize("path", ["/home/pi/{}", "../{}", "/var/lib/fer-edge/../{}"])
def test_an_output_where_the_service_cannot_write_is_refused(option, path):
    file = {"output": "rows.csv", "video": "film.avi", "timeline": "day.png"}.get(option, "kept")
    arguments = ("--source", "photos", f"--{option}", path.format(file), "--overwrite")
    with pytest.raises(UsageError, match=f"--{option} .*a service writes below /var/lib/fer-edge alone"):
        needs_of(arguments)
    for reached in (file, f"/var/lib/fer-edge/{file}"):
        needs_of(("--source", "photos", f"--{option}", reached, "--overwrite"))


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


def test_rows_may_go_to_the_journal():
    needs_of(("--output", "-"))
    with pytest.raises(UsageError, match="second start"):
        needs_of(("--output", "rows.jsonl"))


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
