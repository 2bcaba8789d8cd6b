"""The MQTT sink against a real mosquitto."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from device.errors import UsageError
from device.sinks.mqtt import Broker, MqttSink

LABELS = ("happy", "sad")


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
