"""A real mosquitto on loopback, and somebody who listens there (Debian: apt install mosquitto)."""

import json
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")


def wait_until(true, timeout_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        try:
            if true():
                return
        except (OSError, KeyError):
            pass
        time.sleep(0.05)
    raise AssertionError("not within the time")


class RealBroker:
    """mosquitto on a port of its own, which keeps its sessions on disk."""

    def __init__(self, folder: Path, *settings: str):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        settings = settings or ("allow_anonymous true",)
        # As root mosquitto becomes another user, who cannot write here.
        lines = (
            f"listener {self.port} 127.0.0.1",
            "user root",
            "persistence true",
            f"persistence_location {folder}/",
        )
        self.config.write_text("\n".join((*lines, "max_queued_messages 0", *settings, "")))

    def start(self) -> None:
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.config], stderr=subprocess.DEVNULL)
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() or True)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()


class Listener:
    """Hears everything below ``topics`` with QoS 1, in a session that outlives its connection."""

    def __init__(self, port: int, topics: str = "#", **login):
        self.heard: list[tuple[str, bytes, bool]] = []
        self.subscribed = False
        from paho.mqtt import client as mqtt

        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=uuid.uuid4().hex, clean_session=False
        )
        if login:
            self.client.username_pw_set(**login)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *rest: client.subscribe(topics, qos=1)
        self.client.on_subscribe = lambda *rest: setattr(self, "subscribed", True)
        self.client.on_message = lambda client, userdata, message: self.heard.append(
            (message.topic, message.payload, message.retain)
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_until(lambda: self.subscribed)

    def last(self, topic: str) -> bytes:
        """The newest payload of a topic; KeyError if there was none."""
        return {heard: payload for heard, payload, _ in tuple(self.heard)}[topic]

    def rows(self) -> list[dict]:
        return [json.loads(payload) for topic, payload, _ in tuple(self.heard) if topic.endswith("/faces")]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    with RealBroker(tmp_path) as broker:
        yield broker
