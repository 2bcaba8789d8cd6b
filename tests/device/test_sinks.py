"""One contract over every sink, then what each of them is for."""

import csv
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.drawing import annotated
from device.errors import EdgeError, UsageError
from device.sinks.csv import CsvSink
from device.sinks.frames import FrameFilesSink
from device.sinks.jsonl import JsonLinesSink
from device.sinks.mqtt import Broker, MqttSink
from device.sinks.preview import PreviewAddress, PreviewSink
from device.sinks.terminal import TerminalSink
from device.sinks.video import VideoSink

LABELS = ("happy", "sad")


@pytest.fixture(params=["jsonl", "csv", "video", "frames", "terminal", "preview"])
def sink(request, tmp_path):
    if request.param == "terminal":
        with open(tmp_path / "terminal", "w") as stream:
            yield TerminalSink(stream, every_frame=True)
        return
    yield {
        "jsonl": lambda: JsonLinesSink(tmp_path / "rows.jsonl"),
        "csv": lambda: CsvSink(tmp_path / "rows.csv", LABELS),
        "video": lambda: VideoSink(tmp_path / "clip.avi"),
        "frames": lambda: FrameFilesSink(tmp_path / "kept"),
        "preview": lambda: PreviewSink(PreviewAddress("127.0.0.1", 0)),
    }[request.param]()


def test_every_sink_takes_any_result_and_closes_even_if_nothing_came(sink, a_result):
    assert sink.name
    for index, faces in enumerate((0, 1, 2)):
        sink.write(a_result(index, faces))
    sink.write(a_result(3, 1, gray=True))
    sink.close()


def test_rows_are_on_disk_at_once(tmp_path, a_result):
    path = tmp_path / "rows.jsonl"
    sink = JsonLinesSink(path)
    sink.write(a_result(7))
    row = json.loads(path.read_text())
    sink.close()
    assert row["index"] == 7
    assert row["captured_at"] == "2026-11-21T10:00:00.007+00:00"
    assert row["faces"][0]["box_xyxy"] == [20, 30, 60, 80]


def test_csv_has_a_row_a_face_and_one_for_nobody(tmp_path, a_result):
    sink = CsvSink(tmp_path / "rows.csv", LABELS)
    for index, faces in enumerate((2, 0, 1)):
        sink.write(a_result(index, faces))
    sink.close()
    with open(tmp_path / "rows.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["index"], row["id"], row["happy"]) for row in rows] == [
        ("0", "1", "0.75"),
        ("0", "2", "0.75"),
        ("1", "", ""),
        ("2", "1", "0.75"),
    ]


def test_the_video_plays_back_with_boxes(tmp_path, a_result):
    sink = VideoSink(tmp_path / "clip.avi")
    for index in range(5):
        sink.write(a_result(index))
    sink.close()
    capture = cv2.VideoCapture(str(tmp_path / "clip.avi"))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    assert len(frames) == 5
    assert frames[0].shape == (120, 160, 3)
    blue, green, red = frames[0][50, 60].astype(int)  # on the box's right edge
    assert green > blue
    assert green > red


@pytest.mark.parametrize("make", [VideoSink, JsonLinesSink, lambda path: CsvSink(path, LABELS)])
def test_files_are_not_replaced_and_bad_places_are_one_line(make, tmp_path):
    path = tmp_path / "out.avi"
    path.write_text("mine")
    with pytest.raises(EdgeError, match="--overwrite"):
        make(path)
    assert path.read_text() == "mine"
    with pytest.raises(EdgeError, match="cannot write"):
        make(tmp_path / "gone" / "out.avi")


def test_only_frames_with_faces_are_kept_and_only_in_an_empty_folder(tmp_path, a_result):
    sink = FrameFilesSink(tmp_path / "kept")
    for index, faces in enumerate((0, 1, 0, 2)):
        sink.write(a_result(index, faces))
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["00000001.jpg", "00000003.jpg"]
    with pytest.raises(EdgeError, match="not empty"):
        FrameFilesSink(tmp_path / "kept")


def test_a_blurred_face_is_gone_and_the_rest_stays(a_result):
    result = a_result(1)
    plain, blurred = annotated(result), annotated(result, blur_faces=True)
    inside = (slice(45, 70), slice(26, 54))
    # 8 x 8 blocks over 1.5 boxes: neighbours within a block are equal, noise is gone.
    assert (
        np.abs(np.diff(blurred[inside].astype(int), axis=1)).mean()
        < 0.2 * np.abs(np.diff(plain[inside].astype(int), axis=1)).mean()
    )
    assert (blurred[100:, 100:] == plain[100:, 100:]).all()
    assert (result.frame.image == a_result(1).frame.image).all()  # the frame itself is untouched


def get(url: str, **headers) -> tuple[int, bytes, dict]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return answer.status, answer.read(200_000), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_the_preview_serves_page_state_and_pictures(a_result):
    sink = PreviewSink(PreviewAddress("127.0.0.1", 0))
    try:
        assert get(sink.url + "state")[0] == 204
        sink.write(a_result(4))
        status, page, headers = get(sink.url)
        assert status == 200
        assert b"viewport" in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        state = json.loads(get(sink.url + "state")[1])
        assert state["faces"][0]["smoothed"] == {"happy": 0.75, "sad": 0.25}
        with urllib.request.urlopen(sink.url + "stream", timeout=5) as stream:
            assert stream.readline() == b"--frame\r\n"
            stream.readline()
            length = int(stream.readline().split(b":")[1])
            stream.readline()
            picture = cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (120, 160, 3)
        assert get(sink.url + "etc/passwd")[0] == 404
    finally:
        sink.close()


def test_another_site_cannot_read_the_private_preview(a_result):
    sink = PreviewSink(PreviewAddress("127.0.0.1", 0))
    sink.write(a_result(1))
    assert get(sink.url + "state", Host="evil.example")[0] == 403
    sink.close()


def test_an_open_preview_needs_its_token(a_result):
    sink = PreviewSink(PreviewAddress("0.0.0.0", 0))
    sink.write(a_result(1))
    shown, query = sink.url.split("?")
    assert "0.0.0.0" not in shown
    address = f"http://127.0.0.1:{urllib.parse.urlsplit(shown).port}/"
    try:
        assert len(query) > 20
        for path in ("", "state", "stream"):
            assert get(address + path)[0] == 403
            assert get(address + path + "?token=wrong")[0] == 403
            assert get(address + path, Cookie="token=wrong; a=b")[0] == 403
        status, _, headers = get(f"{address}?{query}")
        assert status == 200
        cookie = headers["Set-Cookie"].split(";")[0]
        assert "HttpOnly" in headers["Set-Cookie"]
        assert get(address + "state", Cookie=cookie)[0] == 200
    finally:
        sink.close()


def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(EdgeError, match="cannot serve"):
        PreviewSink(PreviewAddress("127.0.0.1", taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("text", "address"),
    [("8123", ("127.0.0.1", 8123)), ("0.0.0.0:80", ("0.0.0.0", 80)), ("pi.local", ("pi.local", 8008))],
)
def test_preview_addresses(text, address):
    parsed = PreviewAddress.parse(text)
    assert (parsed.host, parsed.port) == address
    assert parsed.private == (address[0] == "127.0.0.1")
    with pytest.raises(UsageError):
        PreviewAddress.parse("host:99999999")


def test_brokers_are_parsed_and_refused():
    assert Broker.parse("pi.local") == Broker("pi.local")
    assert Broker.parse("mqtt://me:word@pi:1999") == Broker("pi", 1999, "me", "word")
    for wrong in ("", "http://pi", "pi:port"):
        with pytest.raises(UsageError, match="--mqtt"):
            Broker.parse(wrong)


class RealBroker:
    """mosquitto on a port of its own."""

    def __init__(self, folder: Path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")

    def start(self):
        self.process = subprocess.Popen([self.program, "-c", self.config], stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() or True)

    def stop(self):
        self.process.terminate()
        self.process.wait(5)


def wait_until(true, timeout_s: float = 15.0):
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        try:
            if true():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("not within the time")


@pytest.fixture
def broker(tmp_path):
    pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
    broker = RealBroker(tmp_path)
    if broker.program is None:
        pytest.skip("mosquitto is not installed")
    broker.start()
    yield broker
    broker.stop()


def listen(port: int) -> tuple[dict[str, bytes], object]:
    from paho.mqtt import client as mqtt

    heard: dict[str, bytes] = {}
    listener = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    listener.on_connect = lambda client, *rest: client.subscribe("#")
    listener.on_message = lambda client, userdata, message: heard.__setitem__(message.topic, message.payload)
    listener.connect("127.0.0.1", port)
    listener.loop_start()
    return heard, listener


def test_mqtt_publishes_changes_status_and_discovery(broker, a_result):
    heard, listener = listen(broker.port)
    sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS, clock_s=lambda: 0.0)
    try:
        wait_until(lambda: heard.get("fer-edge/status") == b"online")
        sink.write(a_result(1))
        wait_until(lambda: "fer-edge/faces" in heard)
        assert json.loads(heard["fer-edge/faces"])["expression"] == "happy"
        sink.write(a_result(2))  # nothing changed, and no second passed
        sink.write(a_result(3, label="sad"))
        wait_until(lambda: json.loads(heard["fer-edge/faces"])["index"] == 3)
        config = json.loads(heard["homeassistant/sensor/fer-edge/expression/config"])
        assert config["state_topic"] == "fer-edge/faces"
        assert config["availability_topic"] == "fer-edge/status"
    finally:
        sink.close()
    wait_until(lambda: heard["fer-edge/status"] == b"offline")
    listener.loop_stop()


def test_a_broker_that_is_not_there_is_said_once():
    pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sink = MqttSink(Broker("127.0.0.1", port), LABELS, report=said.append)
    wait_until(lambda: bool(said))
    time.sleep(1.5)
    sink.close()
    assert len(said) == 1
    assert "does not answer" in said[0]


def test_a_broker_that_goes_and_comes_back_costs_no_frame(broker, a_result):
    said: list[str] = []
    sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS, report=said.append, clock_s=lambda: 0.0)
    try:
        wait_until(sink.client.is_connected)
        broker.stop()
        wait_until(lambda: not sink.client.is_connected())
        started_s = time.monotonic()
        for index in range(100):
            sink.write(a_result(index, label=LABELS[index % 2]))
        assert time.monotonic() - started_s < 2
        broker.start()
        wait_until(lambda: any("again" in line for line in said))
        assert "gone" in said[0]
    finally:
        sink.close()
