"""MQTT: a message a change, for Home Assistant and everything else that listens on a broker."""

import contextlib
import hashlib
import json
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from device.errors import EdgeError
from device.results import FrameResult
from device.sinks import MQTT_TOPIC, Sink
from device.sinks.broker import Broker
from device.sinks.drawing import jpeg
from device.text import counted

log = logging.getLogger(__name__)

GOODBYE_S = 0.4  # less than a run that a signal ends has for its outputs
QUIET_S = 1.0  # without a change, a message a second is enough
LARGEST_PACKET = 64 << 10  # from the broker, whose answers have some bytes: nothing is subscribed to
QUEUE = 1000  # rows that wait in memory for a broker that is away: a quarter of an hour without a change


class Pictures(Enum):
    """What is published beside the rows: nothing, the marked picture, or that with the faces blurred."""

    NONE, PLAIN, BLURRED = range(3)


class MqttSink(Sink):
    """Publishes ``TOPIC/faces`` (JSON, QoS 1), a retained ``TOPIC/status`` (online, offline by last will) and Home
    Assistant's discovery; with ``pictures`` also ``TOPIC/picture`` (JPEG, QoS 0), with every row that is sent. paho
    reconnects in a thread of its own; up to ``QUEUE`` rows wait for that in memory, later ones are dropped and counted.
    """

    def __init__(
        self,
        broker: Broker,
        labels: Sequence[str],
        topic: str = MQTT_TOPIC,
        clock_s: Callable[[], float] = time.monotonic,
        pictures: Pictures = Pictures.NONE,
    ):
        self.broker, self.labels, self.topic, self.clock_s = broker, labels, topic, clock_s
        self.pictures = pictures
        self._picture: Any = None  # the last one sent, as paho knows it
        self.name = f"{broker.name}/{topic}"
        self._sent_s, self._sent_summary = -QUIET_S, ""
        self._lost = self._lost_in_all = 0
        self._connected = self._was_connected = False
        self._said = ""  # why it is not connected, as logged; a broker is away for days
        self._waiting: deque[Any] = deque(maxlen=2 * QUEUE)  # rows as paho knows them, the oldest first
        self.client = self._connect()

    def _connect(self) -> Any:
        try:
            from paho.mqtt import client as mqtt
            from paho.mqtt.enums import CallbackAPIVersion
        except ModuleNotFoundError:
            raise EdgeError('`mqtt` needs paho-mqtt: pip install "paho-mqtt>=2,<3"') from None
        self._queue_full = mqtt.MQTT_ERR_QUEUE_SIZE

        class ModestClient(mqtt.Client):
            def _sock_recv(self, bufsize: int) -> bytes:  # paho takes a packet of any size, 256 MB at most
                if bufsize > LARGEST_PACKET:
                    raise ConnectionError("the broker sends what nobody asked for")
                received: bytes = super()._sock_recv(bufsize)
                return received

            def _handle_publish(
                self,
            ) -> Any:  # nothing is subscribed to; paho would keep 65,535 messages of QoS 2
                return mqtt.MQTT_ERR_PROTOCOL

        client = ModestClient(CallbackAPIVersion.VERSION2)
        if self.broker.user is not None:
            client.username_pw_set(self.broker.user, self.broker.password)
        if self.broker.context is not None:
            client.tls_set_context(self.broker.context)
        client.will_set(f"{self.topic}/status", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 60)
        client.max_queued_messages_set(QUEUE)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.connect_async(self.broker.host, self.broker.port, keepalive=30)
        client.loop_start()
        return client

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._say(f"refuses: {reason}; trying again")
            return
        # QoS 0: said again at every connection, and a queue full of rows has no room for them.
        client.publish(f"{self.topic}/status", "online", qos=0, retain=True)
        for address, document in self._discovery().items():
            client.publish(address, json.dumps(document), qos=0, retain=True)
        lost, self._lost = self._lost, 0
        if self._was_connected or lost:
            dropped = f"; {lost} rows did not fit into its queue and are lost" if lost else ""
            log.warning("%s is connected again%s", self.name, dropped)
        self._connected = self._was_connected = True
        self._said = ""

    def _say(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            log.warning("%s %s", self.name, problem)

    def _on_connect_fail(self, client: Any, userdata: Any) -> None:
        if not self._said:
            self._say(f"{self.broker.problem()}; trying again until it does")

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not reason.is_failure:
            return
        if self._connected:
            self._connected = False
            self._say(f"is gone ({reason}); reconnecting")
        elif not self._said:
            tls = "" if self.broker.context else "; does it expect TLS (mqtts://)?"
            self._say(f"ends the connection without an answer in MQTT{tls}")

    def _discovery(self) -> dict[str, dict[str, Any]]:
        """Return Home Assistant's configuration messages by topic."""
        node = node_id(self.topic)
        state = {"state_topic": f"{self.topic}/faces"}
        common = {
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
        picture = {"name": "Picture", "unique_id": f"{node}-picture", "topic": f"{self.topic}/picture"}
        found = {
            f"homeassistant/sensor/{node}/expression/config": {**common, **state, **expression},
            f"homeassistant/sensor/{node}/faces/config": {**common, **state, **faces},
        }
        if self.pictures is not Pictures.NONE:
            found[f"homeassistant/camera/{node}/picture/config"] = {**common, **picture}
        return found

    def write(self, result: FrameResult) -> None:
        """Publish when someone's smoothed label changes, and once a second anyway.

        While a face is only remembered nothing changes: it may be gone, or be found again in the next frame.
        """
        now_s = self.clock_s()
        certain = all(face.detected for face in result.faces)
        changed = certain and result.summary != self._sent_summary
        if not changed and now_s - self._sent_s < QUIET_S:
            return
        self._sent_s, self._sent_summary = now_s, result.summary
        row = result.to_json()
        row["count"] = len(result.faces)
        row["expression"] = result.faces[0].smoothed_label if result.faces else "no face"
        self._send_picture(result)
        message = self.client.publish(f"{self.topic}/faces", json.dumps(row), qos=1)
        if message.rc == self._queue_full:
            self._lost, self._lost_in_all = self._lost + 1, self._lost_in_all + 1
            return
        message.rc = 0  # of a row that waits paho leaves "no connection" there, even once the broker has it
        while self._waiting and self._waiting[0].is_published():
            self._waiting.popleft()
        self._waiting.append(message)

    def _send_picture(self, result: FrameResult) -> None:
        """Publish the picture where that is asked for, unless a slow line still has the last one; none waits."""
        if self.pictures is Pictures.NONE or not self.client.is_connected():
            return
        with contextlib.suppress(RuntimeError):  # it went with a connection that was lost
            if self._picture is not None and not self._picture.is_published():
                return
        data = jpeg(result, self.pictures is Pictures.BLURRED)
        self._picture = self.client.publish(f"{self.topic}/picture", data, qos=0)

    def send(self, topic: str, payload: str) -> None:
        """Publish another part's message, such as a rule's, at QoS 1."""
        self.client.publish(topic, payload, qos=1)

    def close(self) -> None:
        """Say that the device is offline, once the rows that wait are out; EdgeError if the broker lacks some."""
        goodbye = self.client.publish(f"{self.topic}/status", "offline", qos=1, retain=True)
        # A full queue, no connection or no answer: the connection just ends, and the broker publishes the last will.
        with contextlib.suppress(ValueError, RuntimeError):
            goodbye.wait_for_publish(GOODBYE_S)
            if goodbye.is_published():
                self.client.disconnect()
        lacking = self._lost_in_all + sum(not message.is_published() for message in self._waiting)
        self.client.loop_stop()
        if lacking:
            raise EdgeError(
                f"{self.name} has not taken {counted(lacking, 'row')}; check its address, and that the broker runs"
            )


def node_id(topic: str) -> str:
    """Return ``topic`` in the characters that Home Assistant allows; different topics stay different.

    >>> node_id("fer-edge/faces")
    'fer-edge_faces'
    """
    node = re.sub(r"[^a-zA-Z0-9_-]", "_", topic)
    if node == topic.replace("/", "_") and "_" not in topic:
        return node
    return f"{node}-{hashlib.sha256(topic.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
