"""What of the MQTT sink needs no broker; tests/hardware/test_mqtt.py has the rest."""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import pytest

from device.errors import EdgeError, UsageError
from device.runtime.asked import asked_broker
from device.runtime.options import RunOptions
from device.sinks.mqtt import Broker, MqttSink, node_id

LABELS = ("happy", "sad")


@pytest.fixture
def dead_port() -> int:
    pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_brokers_are_parsed_and_refused():
    assert Broker.parse("pi.local") == Broker("pi.local")
    assert Broker.parse("mqtt://me:word@pi:1999") == Broker("pi", 1999, "me", "word")
    assert Broker.parse("mqtt://me:w%2Fo%40rd@pi") == Broker("pi", 1883, "me", "w/o@rd")
    assert Broker.parse("mqtt://[::1]").name == "mqtt://[::1]:1883"
    assert Broker.parse("mqtts://pi").port == 8883
    wrongs = (
        "",
        "http://pi",
        "pi:port",
        "pi:0",
        "mqtt://me:wo/rd@pi",
        "mqtts://pi?tls=1",
        "mqtt://pi/#a",
        "mqtt://:wo@pi",
    )
    for wrong in (*wrongs, "x\udcff", "mqtt://pi/home"):
        with pytest.raises(UsageError, match="`mqtt`") as refused:
            Broker.parse(wrong)
        assert "'wo'" not in str(refused.value)


@pytest.mark.parametrize("topic", ["", "home/+", "home/#", "a\0b", "a\tb", "k\udcfcche", "x" * 70_000])
def test_topics_that_nothing_can_be_published_to_are_refused(topic):
    with pytest.raises(UsageError, match="`mqtt_topic`"):
        asked_broker(RunOptions(mqtt="127.0.0.1:9", mqtt_topic=topic))


def test_the_longest_topic_has_room_for_what_is_appended_in_256_bytes():
    longest = "ü" * 124
    assert len(f"{longest}/picture".encode()) == 256
    assert asked_broker(RunOptions(mqtt="127.0.0.1:9", mqtt_topic=longest))
    with pytest.raises(UsageError, match="248 bytes at most"):
        asked_broker(RunOptions(mqtt="127.0.0.1:9", mqtt_topic=longest + "x"))


@contextlib.contextmanager
def left_broker(port, packets):
    """A sink that has left a broker which welcomed it and then sent ``packets``."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        sink = MqttSink(Broker("127.0.0.1", port), LABELS)
        with listening.accept()[0] as broker:
            broker.settimeout(20)
            broker.recv(1000)
            broker.sendall(b"\x20\x02\x00\x00" + packets)
            with contextlib.suppress(ConnectionError):
                while broker.recv(1000):  # what it says until it leaves
                    pass
            yield sink
        sink.close()


def test_a_broker_that_announces_a_gigantic_packet_is_left(dead_port):
    """Its 256 MB would end a service that may have as much; what paho has of a packet stays small."""
    with left_broker(dead_port, b"\x30\xff\xff\xff\x7f\x00\x01a") as sink:
        assert len(sink.client._in_packet["packet"]) < 1000


def test_a_broker_that_publishes_to_us_is_left(dead_port):
    """Of QoS 2 paho keeps every message until the broker releases it."""
    publish = b"\x34\x06\x00\x01a\x00%cx"
    with left_broker(dead_port, b"".join(publish % mid for mid in range(1, 200))) as sink:
        assert len(sink.client._in_messages) == 0


def test_a_broker_that_is_not_there_is_said_once(dead_port, said):
    sink = MqttSink(Broker("127.0.0.1", dead_port), LABELS)
    failed, tries = sink.client.on_connect_fail, threading.Semaphore(0)

    def count(*arguments):
        failed(*arguments)
        tries.release()

    sink.client.on_connect_fail = count
    assert tries.acquire(timeout=60)
    assert tries.acquire(timeout=60)
    sink.close()
    assert len(said) == 1
    assert "does not answer" in said[0]


def test_a_broker_that_refuses_is_said_once_and_by_its_reason_alone(said):
    pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
    with socket.create_server(("127.0.0.1", 0)) as refusing:
        sink = MqttSink(Broker("127.0.0.1", refusing.getsockname()[1]), LABELS)
        for answer in (b"\x20\x02\x00\x05",) * 2:  # not authorized
            with refusing.accept()[0] as connection:
                connection.settimeout(20)
                connection.recv(1000)
                connection.sendall(answer)
                assert connection.recv(1000) == b""  # it has left
        sink.close()
    (line,) = said
    assert line.endswith("refuses: Not authorized; trying again")


def test_a_face_that_is_only_remembered_is_no_event(dead_port, a_result):
    now_s = [0.0]
    sink = MqttSink(Broker("127.0.0.1", dead_port), LABELS, clock_s=lambda: now_s[0])
    published, publish = [], sink.client.publish
    sink.client.publish = lambda topic, *rest, **options: (
        published.append(topic) or publish(topic, *rest, **options)
    )
    detected = a_result(0, faces=1)
    remembered = replace(
        detected, faces=tuple(replace(face, id=9, detected=False) for face in detected.faces)
    )
    sent = []
    for result in (detected, remembered, remembered, a_result(1, faces=0)):
        sink.write(result)
        sent.append(len(published))
        now_s[0] += 0.1
    assert sent == [1, 1, 1, 2]
    with pytest.raises(EdgeError, match="has not taken 2 rows"):
        sink.close()


def received(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the body of each MQTT packet, until the other side ends."""
    stream = connection.makefile("rb")
    while head := stream.read(1):
        length, shift = 0, 0
        while True:
            (byte,) = stream.read(1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        yield head[0] >> 4, stream.read(length)


def test_a_broker_that_comes_late_hears_the_will_the_state_and_how_much_was_lost(a_result, said, monkeypatch):
    """The broker is a socket that grants the connection: enough to hear what is said. A real one hears it in
    tests/hardware/test_mqtt.py."""
    pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
    monkeypatch.setattr("device.sinks.mqtt.QUEUE", 2)
    with socket.create_server(("127.0.0.1", 0)) as late:
        sink = MqttSink(
            Broker("127.0.0.1", late.getsockname()[1]), LABELS, "home/camera", clock_s=count().__next__
        )
        for index in range(5):
            sink.write(a_result(index))
        connection, _ = late.accept()
        with connection:
            packets = received(connection)
            kind, connect = next(packets)
            assert kind == 1
            assert b"home/camera/status\0\x07offline" in connect
            connection.sendall(b"\x20\x03\0\0\0" if connect[6] == 5 else b"\x20\x02\0\0")
            published = [body for kind, body in islice(packets, 5) if kind == 3]
    sink.client.disconnect()
    sink.client.loop_stop()
    assert sum(body.endswith(b"online") for body in published) == 1
    assert sum(b"homeassistant/sensor/home_camera" in body for body in published) == 2
    assert said[0].endswith("is connected again; 3 rows did not fit into its queue and are lost")


def test_boards_whose_names_differ_stay_different_in_home_assistant():
    topics = (
        "home/küche",
        "home/köche",
        "home/kuche",
        "home/k_che",
        "home_k_che",
        "home_küche",
        "fer-edge/a",
    )
    nodes = [node_id(topic) for topic in topics]
    assert len(set(nodes)) == len(topics)
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", node) for node in nodes)
    assert node_id("fer-edge/a") == "fer-edge_a"  # as before: Home Assistant knows a board by it
