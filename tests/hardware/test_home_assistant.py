"""What a run announces to Home Assistant: its own schemas take it, and running it finds the board and its states.

A release for this Python comes from the package index into an environment of its own; half a minute.
"""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from built_package import install_into
from real_broker import MOSQUITTO, Listener, wait_until

pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
]

DEVICE = Path(sys.executable).with_name("device")
RELEASE = "homeassistant==2024.3.3"  # the last one for Python 3.11
# What its MQTT integration imports; the release's own list pins two hundred packages.
WORDS = """
    aiohttp aiohttp-fast-url-dispatcher aiohttp-zlib-ng async-interrupt atomicwrites-homeassistant attrs
    awesomeversion bcrypt certifi ciso8601 cryptography httpx ifaddr janus jinja2 lru-dict numpy orjson packaging
    paho-mqtt<2 PyJWT python-slugify PyYAML requests ulid-transform voluptuous voluptuous-serialize yarl
"""
IMPORTED = tuple(WORDS.split())
# Reads pairs of topic and payload; tells for each its component and what the schema of that makes of it.
VALIDATE = """
import importlib, json, sys
from homeassistant.components.mqtt.discovery import SUPPORTED_COMPONENTS, TOPIC_MATCHER
found = []
for topic, payload in json.load(sys.stdin):
    place = TOPIC_MATCHER.match(topic.removeprefix("homeassistant/"))
    assert place and place["component"] in SUPPORTED_COMPONENTS, topic
    module = importlib.import_module("homeassistant.components.mqtt." + place["component"])
    try:
        kept = module.DISCOVERY_SCHEMA(payload)
    except Exception as error:
        found.append([place["component"], type(error).__name__, str(error)])
        continue
    assert kept["availability"] if "availability" in kept else kept["availability_topic"]
    words = ("payload_available", "payload_not_available")
    found.append([place["component"], {key: str(kept[key]) for key in {*payload, *words} & kept.keys()}])
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def python(package_index, tmp_path_factory):
    """The Python of an environment with Home Assistant."""
    environment = tmp_path_factory.mktemp("home_assistant")
    for asked in (["--no-deps", RELEASE], IMPORTED):
        done = install_into(environment, *asked)
        if done.returncode:
            pytest.skip(f"{RELEASE} cannot be installed: " + done.stderr.strip().splitlines()[-1])
    return environment / "bin/python"


@pytest.fixture
def home_assistant(python):
    """A function that asks Home Assistant's schemas about pairs of a topic and a document."""

    def ask(pairs):
        command = [python, "-c", VALIDATE]
        done = subprocess.run(command, input=json.dumps(pairs), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def heard_from(broker, *options: str) -> list[tuple[str, bytes, bool]]:
    """Return all that a run of some rows publishes."""
    address = f"127.0.0.1:{broker.port}"
    command = [
        DEVICE,
        "run",
        "-q",
        "--source",
        "demo:live",
        "--detector",
        "haar",
        "--mqtt",
        address,
        *options,
    ]
    with Listener(broker.port) as listener:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: len(listener.rows()) >= 3 and any(row["count"] for row in listener.rows()))
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        wait_until(lambda: any(payload == b"offline" for _, payload, _ in tuple(listener.heard)))
        return list(listener.heard)


def announced(heard) -> dict[str, dict]:
    return {topic: json.loads(payload) for topic, payload, _ in heard if topic.endswith("/config")}


def test_home_assistant_takes_what_a_run_announces(broker, home_assistant):
    heard = heard_from(broker, "--mqtt-topic", "flat/küche", "--mqtt-picture")
    documents = announced(heard)
    answers = home_assistant(list(documents.items()))
    assert sorted(component for component, *_ in answers) == ["camera", "sensor", "sensor"], answers
    for (component, kept), document in zip(answers, documents.values(), strict=True):
        # Keys that a schema does not know are taken away by it.
        assert set(document) - set(kept) == set(), component
        assert (kept["payload_available"], kept["payload_not_available"]) == ("online", "offline")
        assert kept["availability_topic"] == "flat/küche/status"
    topics = {topic for topic, *_ in heard}
    for document in documents.values():
        assert document["availability_topic"] in topics
        assert document.get("state_topic", document.get("topic")) in topics
    assert len({document["unique_id"] for document in documents.values()}) == 3
    assert len({document["device"]["identifiers"][0] for document in documents.values()}) == 1


def test_a_running_home_assistant_finds_the_board_and_takes_its_states(broker, python, tmp_path):
    program = Path(__file__).with_name("running_home_assistant.py")
    command = [python, program, str(broker.port), str(tmp_path)]
    told: list[dict] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=lambda: told.extend(map(json.loads, process.stdout)))
        reader.start()
        wait_until(lambda: told == [{}] or process.poll() is not None, 300)  # it listens
        heard = heard_from(broker, "--mqtt-topic", "flat/küche")
        wait_until(lambda: len(told) > 2 and {state for state, *_ in told[-1].values()} == {"unavailable"})
        process.stdin.close()
        reader.join()
    assert process.returncode == 0
    documents = announced(heard).values()
    expected = {document["unique_id"]: document["device"]["name"] for document in documents}
    assert {unique: name for _, unique, name in told[-1].values()} == expected
    rows = [json.loads(payload) for topic, payload, _ in heard if topic.endswith("/faces")]
    shown = {state for one in told for state, *_ in one.values()} - {"unavailable", "unknown"}
    assert shown <= {str(row[key]) for row in rows for key in ("expression", "count")}
    assert any(row["expression"] in shown and str(row["count"]) in shown for row in rows if row["count"])


def test_a_fault_in_an_announcement_is_refused(broker, home_assistant):
    (topic, document), *_ = announced(heard_from(broker)).items()
    wrong = [
        {**document, key: value} for key, value in (("state_topic", "a#"), ("icon", "face"), ("device", {}))
    ]
    answers = home_assistant([(topic, one) for one in (document, *wrong)])
    assert [len(answer) for answer in answers] == [2, 3, 3, 3]


def test_pictures_are_sent_only_where_asked_for(broker):
    heard = heard_from(broker)
    assert not any("camera" in topic or topic.endswith("/picture") for topic, *_ in heard)
    assert all(payload[:1] == b"{" for topic, payload, _ in heard if not topic.endswith("/status"))

    heard = heard_from(broker, "--mqtt-topic", "asked", "--mqtt-picture")
    sent = [retained for topic, _, retained in heard if topic == "asked/picture"]
    assert sent
    assert not any(sent)  # nobody's face stays on the broker
    assert min(smoothness(heard)) < 0.5
    blurred = heard_from(broker, "--mqtt-topic", "asked", "--mqtt-picture", "--blur-faces")
    assert min(smoothness(blurred)) > 0.5


def smoothness(heard) -> list[float]:
    """Return for each face that was sent the part of its pixels that are their right neighbours' equals."""
    found, picture = [], None
    for topic, payload, _ in heard:
        if topic.endswith("/picture"):
            picture = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_GRAYSCALE)
        elif topic.endswith("/faces") and picture is not None:
            for left, top, right, bottom in (face["box_xyxy"] for face in json.loads(payload)["faces"]):
                inside = picture[max(0, top) + 4 : bottom - 4, max(0, left) + 4 : right - 4].astype(int)
                found.append(float((np.abs(np.diff(inside, axis=1)) <= 1).mean()))
            picture = None
    return found
