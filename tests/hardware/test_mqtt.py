"""The MQTT sink and a real mosquitto on loopback, stopped, started again and killed."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from real_broker import MOSQUITTO, Listener, RealBroker, wait_until

from device.errors import EdgeError
from device.sinks.mqtt import QUEUE, Broker, MqttSink

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


def test_a_wrong_password_is_said_and_the_right_one_is_taken(tmp_path, said):
    passwords = tmp_path / "passwords"
    program = shutil.which("mosquitto_passwd") or pytest.skip("mosquitto_passwd is not installed")
    subprocess.run([program, "-c", "-b", passwords, "camera", "right"], check=True)
    with RealBroker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        wrong = MqttSink(Broker("127.0.0.1", broker.port, "camera", "wrong"), LABELS)
        wait_until(lambda: said)
        wrong.close()
        right = MqttSink(Broker("127.0.0.1", broker.port, "camera", "right"), LABELS)
        wait_until(right.client.is_connected)
        right.close()
        with Listener(broker.port, "fer-edge/status", username="camera", password="right") as listener:
            wait_until(lambda: listener.last("fer-edge/status") == b"offline")
    assert "refuses: Not authorized" in said[0]
    assert "wrong" not in said[0]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """An authority, a broker's certificate for 127.0.0.1 and a device's, made by openssl."""
    program = shutil.which("openssl") or pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificates")

    def make(*arguments: str) -> None:
        subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj")
    make(*new, "/CN=authority", "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("broker", "camera"):
        make(*new, f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        make("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


@pytest.fixture
def tls_broker(tmp_path, certificates):
    files = [
        f"{kind} {certificates / name}" for kind, name in (("cafile", "ca.pem"), ("certfile", "broker.pem"))
    ]
    asked = (
        "allow_anonymous true",
        *files,
        f"keyfile {certificates / 'broker.key'}",
        "require_certificate true",
    )
    with RealBroker(tmp_path, *asked) as broker:
        yield broker


def test_a_broker_is_spoken_to_by_tls_with_a_certificate(tls_broker, certificates, tmp_path):
    """The address comes from the environment, so nothing secret stands in the list of processes."""
    files = {"--mqtt-ca": "ca.pem", "--mqtt-cert": "camera.pem", "--mqtt-key": "camera.key"}
    options = [part for option, name in files.items() for part in (option, str(certificates / name))]
    address = f"mqtts://127.0.0.1:{tls_broker.port}"
    command = [DEVICE, "run", "--source", "demo:60", "--detector", "haar", "--json", *options]
    environment = {**os.environ, "FER_EDGE_MQTT": address}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["outputs"][f"{address}/fer-edge"] == {"written": 60, "dropped": 0}


@pytest.mark.parametrize(
    ("scheme", "files", "words"),
    [
        ("mqtt", (), "does it expect TLS (mqtts://)?"),
        ("mqtts", (), "does not speak TLS as expected"),  # an authority that the system does not know
        ("mqtts", ("--mqtt-ca",), "without an answer in MQTT"),  # the broker asks for a certificate
    ],
)
def test_what_is_wrong_with_tls_is_one_line(tls_broker, certificates, scheme, files, words):
    options = [part for option in files for part in (option, str(certificates / "ca.pem"))]
    address = f"{scheme}://127.0.0.1:{tls_broker.port}"
    command = [DEVICE, "run", "-q", "--source", "demo:live", "--seconds", "3", "--detector", "haar"]
    done = subprocess.run([*command, "--mqtt", address, *options], capture_output=True, text=True, timeout=60)
    warnings = done.stderr.splitlines()
    assert done.returncode == 1
    assert words in warnings[0]
    assert len([line for line in warnings if words in line]) == 1
    assert any("has not taken" in line for line in warnings), warnings


def test_tls_where_the_broker_speaks_none_is_said(broker, certificates, said):
    found = Broker.parse(f"mqtts://127.0.0.1:{broker.port}", ca=str(certificates / "ca.pem"))
    sink = MqttSink(found, LABELS)
    wait_until(lambda: said)
    sink.close()
    assert "does not speak TLS as expected" in said[0]


def test_a_password_comes_from_a_file(tmp_path):
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"
    program = shutil.which("mosquitto_passwd") or pytest.skip("mosquitto_passwd is not installed")
    subprocess.run([program, "-c", "-b", passwords, "camera", "right"], check=True)
    secret.write_text("right\n")
    with RealBroker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        address = f"mqtt://camera@127.0.0.1:{broker.port}"
        sink = MqttSink(Broker.parse(address, password_file=str(secret)), LABELS)
        wait_until(sink.client.is_connected)
        sink.close()
    assert "right" not in repr(sink.broker)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ca": "names"}, "`mqtt_ca`"),
        ({"ca": "gone.pem"}, "`mqtt_ca`"),
        ({"cert": "camera.pem"}, "`mqtt_cert`"),
        ({"cert": "camera.pem", "key": "broker.key"}, "`mqtt_key`"),
        ({"key": "camera.key"}, "`mqtt_cert`"),
        ({"password_file": "gone"}, "`mqtt_password_file`"),
    ],
)
def test_files_that_do_not_fit_are_one_line(certificates, options, words):
    files = {name: str(certificates / file) for name, file in options.items()}
    with pytest.raises(EdgeError, match=words):
        Broker.parse("mqtts://me@pi", **files)
