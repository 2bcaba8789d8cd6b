"""What of the MQTT sink needs no broker; tests/hardware/test_mqtt.py has the rest."""

import socket
import threading

import pytest

from device.errors import UsageError
from device.sinks.mqtt import Broker, MqttSink

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
    for wrong in ("", "http://pi", "pi:port", "mqtt://me:wo/rd@pi"):
        with pytest.raises(UsageError, match="--mqtt") as refused:
            Broker.parse(wrong)
        assert "'wo'" not in str(refused.value)


@pytest.mark.parametrize("topic", ["", "home/+", "home/#", "a\0b"])
def test_topics_that_nothing_can_be_published_to_are_refused(topic):
    with pytest.raises(UsageError, match="--mqtt-topic"):
        MqttSink(Broker("127.0.0.1", 9), LABELS, topic)


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
