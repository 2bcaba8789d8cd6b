"""The MQTT sink and a real mosquitto on loopback, stopped, started again and killed."""

import contextlib
import dataclasses
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jinja2
import numpy as np
import pytest
from real_broker import MOSQUITTO, Listener, RealBroker, wait_until

from device.errors import EdgeError
from device.sinks.mqtt import QUEUE, Broker, MqttSink, Pictures

pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")

DEVICE = Path(sys.executable).with_name("device")
LABELS = ("happy", "sad")
# homeassistant/components/mqtt/discovery.py of Home Assistant matches topics with this.
DISCOVERY = re.compile(r"homeassistant/(\w+)/(?:([a-zA-Z0-9_-]+)/)?([a-zA-Z0-9_-]+)/config")

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@contextlib.contextmanager
def device_run(port: int, *arguments) -> Iterator[subprocess.Popen]:
    command = [DEVICE, "run", "--source", "demo:live", "--mqtt", f"127.0.0.1:{port}", "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_device_run_publishes_its_rows_and_goes_offline(broker, tmp_path):
    """What was published stands as well in the rows of the same run, with ``count`` and ``expression`` more."""
    rows = tmp_path / "rows.jsonl"
    with Listener(broker.port) as listener, device_run(broker.port, "--output", rows) as process:
        wait_until(lambda: sum(row["count"] == 2 for row in listener.rows()) >= 3)
        assert listener.last("fer-edge/status") == b"online"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
        wait_until(lambda: listener.last("fer-edge/status") == b"offline")
    written = {row["index"]: row for row in map(json.loads, rows.read_text().splitlines())}
    for row in listener.rows():
        faces = row["faces"]
        expression = faces[0]["smoothed_label"] if faces else "no face"
        more = {"count": len(faces), "expression": expression}
        assert row == {**written[row["index"]], **more, "captured_at": row["captured_at"]}


def test_changes_are_published_at_once_and_the_rest_once_a_second(broker, a_result):
    clock_s = 0.0
    with Listener(broker.port) as listener:
        sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS, clock_s=lambda: clock_s)
        sink.write(a_result(1))
        sink.write(a_result(2))  # nothing changed, and no second passed
        sink.write(a_result(3, label="sad"))
        clock_s = 1.0
        sink.write(a_result(4, label="sad"))
        wait_until(lambda: len(listener.rows()) >= 3)
        sink.close()
        wait_until(lambda: listener.last("fer-edge/status") == b"offline")
    assert [row["index"] for row in listener.rows()] == [1, 3, 4]


def test_the_last_will_speaks_for_a_killed_device(broker):
    with Listener(broker.port, "fer-edge/status") as listener, device_run(broker.port) as process:
        wait_until(lambda: listener.last("fer-edge/status") == b"online")
        process.kill()
        wait_until(lambda: listener.last("fer-edge/status") == b"offline")
    with Listener(broker.port, "fer-edge/status") as later:
        wait_until(lambda: later.heard)
    assert later.heard == [("fer-edge/status", b"offline", True)]  # retained: who comes later knows too


def test_no_row_is_lost_while_the_broker_is_away(broker, a_result, said):
    with Listener(broker.port) as listener:
        sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS)
        wait_until(sink.client.is_connected)
        for index in range(100):
            sink.write(a_result(index, label=LABELS[index % 2]))
            if index == 30:
                broker.stop()
            if index == 70:
                wait_until(lambda: not sink.client.is_connected())
                broker.start()
        wait_until(lambda: any("again" in line for line in said))
        sink.close()
        wait_until(lambda: listener.last("fer-edge/status") == b"offline")
        # QoS 1: each at least once; what the broker kept for the listener may come behind the last will.
        wait_until(lambda: {row["index"] for row in listener.rows()} >= set(range(100)))
    assert {row["index"] for row in listener.rows()} == set(range(100))
    assert ["gone" in said[0], "again" in said[1], len(said)] == [True, True, 2]


def test_rows_and_pictures_go_on_after_a_picture_was_lost_with_its_connection(broker, a_result):
    sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS, pictures=Pictures.PLAIN)
    wait_until(sink.client.is_connected)
    small = a_result(0)
    image = np.tile(small.frame.image, (8, 8, 1))  # a picture of 1 MB
    large = dataclasses.replace(small, frame=dataclasses.replace(small.frame, image=image))
    broker.process.send_signal(signal.SIGSTOP)  # what it does not read fills the line, and then waits here
    queued = 0
    while queued < 3:
        sink._sent_summary = ""
        sink.write(large)
        time.sleep(0.1)
        queued = 0 if sink._picture.is_published() else queued + 1
    broker.process.kill()
    broker.stop()
    wait_until(lambda: not sink.client.is_connected())
    broker.start()
    with Listener(broker.port) as listener:
        wait_until(sink.client.is_connected)
        sink.write(a_result(1, label="sad"))
        wait_until(lambda: any(row["index"] == 1 for row in listener.rows()))
        wait_until(lambda: listener.last("fer-edge/picture"))
        sink.close()


def test_a_row_is_not_taken_because_another_message_of_its_number_was(broker, a_result):
    """The numbers of messages begin again after 65,535."""
    sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS)
    with Listener(broker.port) as listener:
        wait_until(sink.client.is_connected)
        sink.send("home/bell", "rings")
        wait_until(lambda: listener.last("home/bell"))
        number = sink.client._last_mid
        wait_until(lambda: number not in sink.client._out_messages)
    broker.stop()
    wait_until(lambda: not sink.client.is_connected())
    sink.client._last_mid = number - 1
    sink.write(a_result(0))
    with pytest.raises(EdgeError, match="has not taken 1 row;"):
        sink.close()


def test_rows_wait_for_a_broker_that_comes_late(tmp_path, a_result):
    broker = RealBroker(tmp_path)
    sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS)
    for index in range(10):
        sink.write(a_result(index, label=LABELS[index % 2]))
    with broker, Listener(broker.port) as listener:
        wait_until(lambda: len(listener.rows()) >= 10)
        sink.close()
    assert [row["index"] for row in listener.rows()] == list(range(10))


def test_the_queue_is_bounded_and_what_it_drops_is_said(broker, a_result, said):
    """Memory stays flat in a long outage: the first rows of it are kept, then those from its end on."""
    with Listener(broker.port) as listener:
        sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS)
        wait_until(sink.client.is_connected)
        broker.stop()
        wait_until(lambda: not sink.client.is_connected())
        for index in range(QUEUE + 50):
            sink.write(a_result(index, label=LABELS[index % 2]))
        broker.start()
        wait_until(lambda: len(listener.rows()) >= QUEUE, timeout_s=60)
        wait_until(lambda: listener.last("fer-edge/status") == b"online")
        sink.write(a_result(QUEUE + 50))
        with pytest.raises(EdgeError, match="has not taken 50 rows"):
            sink.close()
        wait_until(lambda: listener.last("fer-edge/status") == b"offline")
    indices = {row["index"] for row in listener.rows()}
    assert indices == {*range(QUEUE), QUEUE + 50}
    assert said[-1].endswith("is connected again; 50 rows did not fit into its queue and are lost")


@pytest.mark.parametrize("topic", ["fer-edge", "home/living room"])
def test_home_assistant_discovers_two_sensors(broker, a_result, topic):
    """Topics as Home Assistant matches them, retained; templates rendered as it does, on rows as they are sent."""
    with Listener(broker.port) as listener:
        sink = MqttSink(Broker("127.0.0.1", broker.port), LABELS, topic)
        sink.write(a_result(1, faces=2))
        sink.write(a_result(2, faces=0))
        wait_until(lambda: len(listener.rows()) == 2)
        sink.close()
    # What waits for the connection may come later.
    rows = sorted(listener.rows(), key=lambda row: row["index"])
    with Listener(broker.port, "homeassistant/#") as home_assistant:
        wait_until(lambda: len(home_assistant.heard) == 2)
    assert all(retained for *_, retained in home_assistant.heard)
    found = {address: json.loads(payload) for address, payload, _ in home_assistant.heard}
    assert len(found) == len({config["unique_id"] for config in found.values()}) == 2
    values = set()
    for address, config in found.items():
        component, node, _ = DISCOVERY.fullmatch(address).groups()
        assert component == "sensor"
        assert config["device"]["identifiers"] == [node]
        assert config["name"]
        assert config["icon"].startswith("mdi:")
        assert config["state_topic"] == f"{topic}/faces"
        assert config["availability_topic"] == f"{topic}/status"  # online and offline are its usual payloads
        template = jinja2.Template(config["value_template"], undefined=jinja2.StrictUndefined)
        values.add(tuple(template.render(value_json=row) for row in rows))
    assert values == {("happy", "no face"), ("2", "0")}
