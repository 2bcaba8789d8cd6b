"""The MQTT sink and a real mosquitto that asks who is there: passwords, TLS."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from real_broker import MOSQUITTO, Listener, RealBroker, wait_until

from device.errors import EdgeError
from device.sinks.mqtt import Broker, MqttSink

pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")

DEVICE = Path(sys.executable).with_name("device")
LABELS = ("happy", "sad")

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


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
