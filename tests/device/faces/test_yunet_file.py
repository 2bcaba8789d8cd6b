"""Fetching from a real server on loopback; the digest decides."""

import contextlib
import functools
import http.server
import socket
import threading

import pytest

from device.errors import EdgeError
from device.faces.detectors import yunet_file as room
from device.faces.detectors.fetching import fetch_yunet
from device.faces.detectors.yunet_file import stored_yunet


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *args: None
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{serving.server_port}/yunet.onnx"
    serving.shutdown()
    serving.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_EDGE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(room, "PACKAGED_YUNET", tmp_path / "absent.onnx")


def test_the_right_file_is_stored_and_found_again(server, yunet_file):
    folder, url = server
    (folder / "yunet.onnx").write_bytes(yunet_file.read_bytes())
    assert fetch_yunet(url) == stored_yunet()
    (folder / "yunet.onnx").unlink()
    assert fetch_yunet(url) == stored_yunet()  # it is there and good: nothing is asked


def test_the_packaged_file_needs_no_fetching(yunet_file, monkeypatch):
    monkeypatch.setattr(room, "PACKAGED_YUNET", yunet_file)
    assert fetch_yunet("http://127.0.0.1:9/x") == yunet_file == room.yunet_file()


def test_another_file_is_refused_and_not_stored(server):
    folder, url = server
    (folder / "yunet.onnx").write_bytes(b"something else")
    with pytest.raises(EdgeError, match="not the expected YuNet"):
        fetch_yunet(url)
    assert not stored_yunet().exists()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "nonsense", "file:///nowhere"])
def test_no_network_is_one_line_with_the_way_out(url):
    with pytest.raises(EdgeError, match="cannot fetch"):
        fetch_yunet(url)
    assert not stored_yunet().exists()


def test_a_server_that_drips_is_given_up(tmp_path, monkeypatch):
    """A byte now and then keeps every timeout of the socket from ending: the whole has an end of its own."""
    monkeypatch.setenv("FER_EDGE_HOME", str(tmp_path))
    monkeypatch.setattr("device.faces.detectors.fetching.LONGEST_S", 1.0)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.0 200 OK\r\nX-Slow: ")
                while not over.wait(0.1):
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(EdgeError, match="not whole within 1 s"):
            fetch_yunet(f"http://127.0.0.1:{server.getsockname()[1]}/yunet.onnx", overwrite=True)
        over.set()
        dripping.join()
