"""``--metrics``: what a scraper reads, over a real connection."""

import re
import socket
import urllib.request

import pytest

from device.board.state import read_board
from device.errors import EdgeError
from device.sinks.metrics import MetricsSink
from device.sinks.web_server import WebAddress

pytest.importorskip("prometheus_client")
MODEL = {"name": "tiny.tflite", "sha256": "ab" * 32}
LABELS = ("happy", "sad")


@pytest.fixture
def board(tmp_path):
    """The root of a board that tells its temperature, and what it was asked."""
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("51500")
    return tmp_path, []


@pytest.fixture
def sink(board):
    root, asked = board
    made = MetricsSink(
        WebAddress("127.0.0.1", 0), LABELS, MODEL, lambda: asked.append("board") or read_board(root)
    )
    made.begin()
    yield made
    made.close()


def scraped(sink: MetricsSink) -> dict[str, float]:
    with urllib.request.urlopen(sink.name, timeout=10) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^([^# ]\S*) (\S+)$", text, flags=re.MULTILINE)}


def test_frames_faces_and_times_are_what_the_results_say(sink, a_result):
    sink.write(a_result(0, 1, "happy"))
    sink.write(a_result(1, 2, "sad"))
    sink.write(a_result(5, 1, "sad"))  # 2, 3 and 4 were dropped
    found = scraped(sink)
    assert found["fer_edge_frames_total"] == 3
    assert found["fer_edge_frames_dropped_total"] == 3
    assert found['fer_edge_faces{expression="sad"}'] == 1
    assert found['fer_edge_faces{expression="happy"}'] == 0
    assert found['fer_edge_stage_seconds_count{stage="frame"}'] == 3
    assert found['fer_edge_stage_seconds_sum{stage="frame"}'] == pytest.approx(3 * 1.25e-3)
    assert found['fer_edge_stage_seconds_bucket{le="0.001",stage="frame"}'] == 0
    assert found['fer_edge_stage_seconds_bucket{le="0.002",stage="frame"}'] == 3
    assert found["fer_edge_frame_age_seconds"] == pytest.approx(1.5e-3)
    assert found["fer_edge_temperature_celsius"] == 51.5
    assert found[f'fer_edge_model_info{{name="tiny.tflite",sha256="{MODEL["sha256"]}"}}'] == 1


def test_what_the_board_does_not_tell_is_not_there(sink):
    assert "fer_edge_throttled" not in scraped(sink)


def test_the_board_is_asked_once_at_each_scrape(sink, board):
    """Each question starts a program on a Pi."""
    root, asked = board
    alarm = root / "sys/class/hwmon/hwmon0"
    alarm.mkdir(parents=True)
    (alarm / "name").write_text("rpi_volt")
    (alarm / "in0_lcrit_alarm").write_text("1")
    found = scraped(sink)
    assert (found["fer_edge_temperature_celsius"], found["fer_edge_throttled"]) == (51.5, 1)
    assert len(asked) == 1
    (alarm / "in0_lcrit_alarm").write_text("0")
    assert scraped(sink)["fer_edge_throttled"] == 0
    assert len(asked) == 2


def test_what_asks_for_no_address_is_answered_400_and_logs_nothing(sink, caplog):
    port = int(re.search(r":(\d+)/", sink.name)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as scraper:
        scraper.sendall(b"GET http://[::1/ HTTP/1.0\r\n\r\n")
        assert b" 400 " in scraper.recv(4096)
    assert caplog.messages == []


def test_a_port_in_use_is_one_line(sink):
    port = int(re.search(r":(\d+)/", sink.name)[1])
    second = MetricsSink(WebAddress("127.0.0.1", port), LABELS, MODEL)
    with pytest.raises(EdgeError, match=f"127.0.0.1:{port}/metrics is in use by another program"):
        second.begin()
    second.close()


def test_the_port_is_free_again_after_closing():
    sink = MetricsSink(WebAddress("127.0.0.1", 0), LABELS, MODEL)
    sink.begin()
    port = int(re.search(r":(\d+)/", sink.name)[1])
    sink.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
