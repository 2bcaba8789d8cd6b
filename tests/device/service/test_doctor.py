"""Boards are told apart by files; these are the files that Raspberry Pis have."""

import threading
import time
from pathlib import Path

import pytest

from device.board.state import read_board
from device.service.doctor import check_board, check_source, examine


@pytest.fixture
def pi(tmp_path):
    files = {
        "proc/device-tree/model": b"Raspberry Pi 4 Model B Rev 1.4\0",
        "sys/class/thermal/thermal_zone0/temp": b"61342\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": b"ondemand\n",
        "proc/meminfo": b"MemTotal:        3884616 kB\nMemFree: 1 kB\n",
        "etc/os-release": b'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def statuses(root: Path, throttled: str | None) -> dict[str, str]:
    return {check.name: check.status for check in check_board(read_board(root, lambda question: throttled))}


def test_a_pi_is_read_from_its_files(pi):
    board = read_board(pi, lambda question: "throttled=0x50005")
    assert board.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert board.temperature_c == pytest.approx(61.342)
    assert board.governor == "ondemand"
    assert board.memory_mb == 3793
    assert board.system == "Debian GNU/Linux 12 (bookworm)"
    assert board.throttled_now == ("under-voltage", "throttled")
    assert board.throttled_before == ("under-voltage", "throttled")


def test_a_machine_that_tells_nothing_is_no_fault(tmp_path):
    board = read_board(tmp_path, lambda question: None)
    assert board.model is board.temperature_c is board.throttled_now is None
    assert set(statuses(tmp_path, None).values()) == {"ok"}


@pytest.mark.parametrize(
    ("told", "power", "throttling"),
    [
        ("throttled=0x0", "ok", "ok"),
        ("throttled=0x50000", "warn", "warn"),
        ("throttled=0x1", "fail", "ok"),
        ("throttled=0x4", "ok", "fail"),
        ("throttled=0x80008", "ok", "fail"),
        ("throttled=0x20000", "ok", "warn"),
    ],
)
def test_throttling_is_judged(pi, told, power, throttling):
    found = statuses(pi, told)
    assert (found["power"], found["throttling"]) == (power, throttling)


@pytest.mark.parametrize(("millidegrees", "status"), [("65000", "ok"), ("72000", "warn"), ("83100", "fail")])
def test_temperature_is_judged(pi, millidegrees, status):
    (pi / "sys/class/thermal/thermal_zone0/temp").write_text(millidegrees)
    assert statuses(pi, None)["temperature"] == status


def test_newer_kernels_tell_under_voltage_by_a_sensor(pi):
    for number, (name, alarm) in enumerate((("cpu_thermal", "0"), ("rpi_volt", "1"))):
        folder = pi / f"sys/class/hwmon/hwmon{number}"
        folder.mkdir(parents=True)
        (folder / "name").write_text(name + "\n")
        (folder / "in0_lcrit_alarm").write_text(alarm + "\n")
    assert statuses(pi, None)["power"] == "fail"


def test_powersave_is_warned_of_with_the_remedy(pi):
    (pi / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").write_text("powersave\n")
    (check,) = [one for one in check_board(read_board(pi, lambda question: None)) if one.name == "governor"]
    assert check.status == "warn"
    assert "ondemand" in check.remedy


def test_a_store_that_the_system_refuses_is_one_finding_of_several(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_EDGE_HOME", str(tmp_path / ("x" * 300)))
    found = {check.name: check for check in examine("demo")}
    assert found["model"].line().endswith("/current: File name too long")
    assert found["camera"].status == "ok"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "/m.tflite"), "/m.tflite: Permission denied → check who"),
        (OSError(5, "Input/output error"), "fail camera      Input/output error"),
        (OSError("timed out"), "fail camera      timed out"),
    ],
)
def test_a_refusal_of_the_system_names_its_file_and_remedy_where_there_is_one(monkeypatch, error, told):
    def refuse(source):
        raise error

    monkeypatch.setattr("device.service.doctor.check_source", refuse)
    assert told in {check.name: check.line() for check in examine("demo")}["camera"]


def test_doctor_judges_model_detectors_and_source(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_EDGE_HOME", str(tmp_path))
    good = {check.name: check for check in examine("demo", str(tiny_model))}
    assert {name for name, check in good.items() if check.status == "fail"} == set()
    assert "7 labels" in good["model"].found
    assert "640x480" in good["camera"].found
    (tmp_path / "cut.tflite").write_bytes(tiny_model.read_bytes()[:2000])
    bad = {check.name: check for check in examine("usb:97", str(tmp_path / "cut.tflite"))}
    assert bad["model"].status == bad["camera"].status == "fail"
    assert "plugged in" in bad["camera"].remedy or "plugged in" in bad["camera"].found
    assert all(check.remedy for check in bad.values() if check.status != "ok")


def test_doctor_sees_a_live_source_and_a_black_one(tmp_path, tiny_model):
    import cv2
    import numpy as np

    assert {one.name: one.status for one in examine("demo:live", str(tiny_model))}["camera"] == "ok"
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((48, 48), np.uint8))
    assert {one.name: one.status for one in examine(str(tmp_path), str(tiny_model))}["camera"] == "warn"


@pytest.mark.parametrize("pictures", [0, 2])
def test_doctor_ends_with_a_camera_that_opens_and_goes_silent(monkeypatch, pictures):
    """The only fake is the camera: no cable can be pulled here."""
    import numpy as np

    from device.errors import EdgeError
    from device.frames import Frame, FrameSource

    class LooseCable(FrameSource):
        name, live, continuous = "picamera", True, True

        def __enter__(self):
            return self

        def __exit__(self, *exc):
            pass

        def __iter__(self):
            for index in range(pictures):
                yield Frame(np.full((48, 64), 100 + index, np.uint8), index, time.monotonic_ns())
                time.sleep(0.1)
            raise EdgeError("the camera delivered nothing for 3 s; is it connected?")

    monkeypatch.setattr("device.service.doctor.find_camera", LooseCable)
    found = []
    checking = threading.Thread(target=lambda: found.append(check_source(None)), daemon=True)
    checking.start()
    checking.join(timeout=30)
    (check,) = found
    assert (check.status, check.found) == ("fail", "the camera delivered nothing for 3 s")
    assert "cable" in check.remedy
