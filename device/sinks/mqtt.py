"""MQTT: a message a change, for Home Assistant and everything else that listens on a broker."""

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from device.errors import EdgeError, UsageError
from device.results import FrameResult
from device.sinks import MQTT_TOPIC, Sink

log = logging.getLogger(__name__)

QUIET_S = 1.0  # without a change, a message a second is enough
QUEUE = 1000  # rows that wait in memory for a broker that is away: a quarter of an hour without a change


@dataclass(frozen=True)
class Broker:
    """Where to publish: ``HOST``, ``HOST:PORT`` or ``mqtt://USER:PASSWORD@HOST:PORT`` as typed."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Broker":
        from urllib.parse import unquote, urlsplit

        try:
            parts = urlsplit(text if "//" in text else f"//{text}")
            user, password = (part and unquote(part) for part in (parts.username, parts.password))
            broker = cls(parts.hostname or "", parts.port or 1883, user, password)
        except ValueError:  # whose message may hold a part of the password
            raise UsageError(
                "--mqtt: expected HOST, HOST:PORT or mqtt://USER:PASSWORD@HOST:PORT, with / # @ in a password as "
                "%2F %23 %40"
            ) from None
        if not broker.host or parts.scheme not in ("", "mqtt"):
            raise UsageError("--mqtt: expected HOST, HOST:PORT or mqtt://USER:PASSWORD@HOST:PORT")
        return broker


class MqttSink(Sink):
    """Publishes ``TOPIC/faces`` (JSON, QoS 1), a retained ``TOPIC/status`` (online, offline by last will) and Home
    Assistant's discovery. paho reconnects in a thread of its own; up to ``QUEUE`` rows wait for that in memory, later
    ones are dropped and counted.
    """

    def __init__(
        self,
        broker: Broker,
        labels: Sequence[str],
        topic: str = MQTT_TOPIC,
        clock_s: Callable[[], float] = time.monotonic,
    ):
        self.broker, self.labels, self.topic, self.clock_s = broker, labels, topic, clock_s
        if not topic or set(topic) & set("+#\0"):
            raise UsageError(f"--mqtt-topic {topic!r}: expected a name such as home/camera, without + and #")
        self.name = f"mqtt://{broker.host}:{broker.port}/{topic}"
        self._sent_s, self._sent_summary = -QUIET_S, ""
        self._lost = 0
        self._was_connected = self._missed = False
        self.client = self._connect()

    def _connect(self) -> Any:
        try:
            from paho.mqtt import client as mqtt
        except ModuleNotFoundError:
            raise EdgeError('--mqtt needs paho-mqtt: pip install "paho-mqtt>=2,<3"') from None
        self._queue_full = mqtt.MQTT_ERR_QUEUE_SIZE
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        if self.broker.user is not None:
            client.username_pw_set(self.broker.user, self.broker.password)
        client.will_set(f"{self.topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 60)
        client.max_queued_messages_set(QUEUE)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.connect_async(self.broker.host, self.broker.port, keepalive=30)
        client.loop_start()
        return client

    def _on_connect(self, client, userdata, flags, reason, properties) -> None:
        if reason.is_failure:
            log.warning("%s refuses: %s; trying again", self.name, reason)
            return
        # QoS 0: said again at every connection, and a queue full of rows has no room for them.
        client.publish(f"{self.topic}/status", "online", qos=0, retain=True)
        for address, document in self._discovery().items():
            client.publish(address, json.dumps(document), qos=0, retain=True)
        lost, self._lost = self._lost, 0
        if self._was_connected or lost:
            dropped = f"; {lost} rows did not fit into its queue and are lost" if lost else ""
            log.warning("%s is connected again%s", self.name, dropped)
        self._was_connected = True

    def _on_connect_fail(self, client, userdata) -> None:
        if not self._missed and not self._was_connected:
            log.warning("%s does not answer; trying again until it does", self.name)
        self._missed = True

    def _on_disconnect(self, client, userdata, flags, reason, properties) -> None:
        if reason.is_failure and self._was_connected:
            log.warning("%s is gone (%s); reconnecting", self.name, reason)

    def _discovery(self) -> dict[str, dict[str, Any]]:
        """Return Home Assistant's configuration messages by topic."""
        node = re.sub(r"[^a-zA-Z0-9_-]", "_", self.topic)  # the characters that Home Assistant allows
        common = {
            "state_topic": f"{self.topic}/faces",
            "availability_topic": f"{self.topic}/status",
            "device": {"identifiers": [node], "name": self.topic, "manufacturer": "fer-edge"},
        }
        expression = {
            "name": "Expression",
            "unique_id": f"{node}-expression",
            "value_template": "{{ value_json.expression }}",
            "icon": "mdi:emoticon-outline",
        }
        faces = {
            "name": "Faces",
            "unique_id": f"{node}-faces",
            "value_template": "{{ value_json.count }}",
            "icon": "mdi:face-recognition",
        }
        return {
            f"homeassistant/sensor/{node}/expression/config": {**common, **expression},
            f"homeassistant/sensor/{node}/faces/config": {**common, **faces},
        }

    def write(self, result: FrameResult) -> None:
        """Publish when someone's smoothed label changes, and once a second anyway."""
        now_s = self.clock_s()
        if result.summary == self._sent_summary and now_s - self._sent_s < QUIET_S:
            return
        self._sent_s, self._sent_summary = now_s, result.summary
        row = result.to_json()
        row["count"] = len(result.faces)
        row["expression"] = result.faces[0].smoothed_label if result.faces else "no face"
        message = self.client.publish(f"{self.topic}/faces", json.dumps(row), qos=1)
        self._lost += message.rc == self._queue_full

    def close(self) -> None:
        """Say that the device is offline, once the rows that wait are out; 2 s at most."""
        goodbye = self.client.publish(f"{self.topic}/status", "offline", qos=1, retain=True)
        # A full queue, no connection or no answer: the connection just ends, and the broker publishes the last will.
        with contextlib.suppress(ValueError, RuntimeError):
            goodbye.wait_for_publish(2)
            if goodbye.is_published():
                self.client.disconnect()
        self.client.loop_stop()
