"""The preview page: what it serves, to whom, and what happens when watchers leave."""

import dataclasses
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from device.sinks.preview import PreviewSink
from device.sinks.web_server import HEADERS, MOST_OF_ONE, WebAddress

LABELS = ("happy", "sad")


def get(url: str, **headers) -> tuple[int, bytes, dict]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return answer.status, answer.read(200_000), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_the_preview_serves_page_state_and_pictures(a_result):
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    try:
        assert get(sink.url + "state")[0] == 204
        sink.write(a_result(4))
        status, page, headers = get(sink.url)
        assert status == 200
        assert b"viewport" in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        state = json.loads(get(sink.url + "state")[1])
        assert state["faces"][0]["smoothed"] == {"happy": 0.75, "sad": 0.25}
        with urllib.request.urlopen(sink.url + "stream", timeout=5) as stream:
            assert stream.readline() == b"--frame\r\n"
            stream.readline()
            length = int(stream.readline().split(b":")[1])
            stream.readline()
            picture = cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (120, 160, 3)
        assert get(sink.url + "etc/passwd")[0] == 404
    finally:
        sink.close()


def test_another_site_cannot_read_the_private_preview(a_result):
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    sink.write(a_result(1))
    assert get(sink.url + "state", Host="evil.example")[0] == 403
    sink.close()


def test_an_open_preview_needs_its_token(a_result):
    sink = PreviewSink(WebAddress("0.0.0.0", 0))
    sink.write(a_result(1))
    shown, query = sink.url.split("?")
    assert "0.0.0.0" not in shown
    address = f"http://127.0.0.1:{urllib.parse.urlsplit(shown).port}/"
    try:
        assert len(query) > 20
        for path in ("", "state", "stream"):
            assert get(address + path)[0] == 403
            assert get(address + path + "?token=wrong")[0] == 403
            assert get(address + path, Cookie="fer-edge-preview=wrong; token=wrong; a=b")[0] == 403
        status, _, headers = get(f"{address}?{query}")
        assert status == 200
        cookie = headers["Set-Cookie"].split(";")[0]
        assert "HttpOnly" in headers["Set-Cookie"]
        assert get(address + "state", Cookie=cookie)[0] == 200
        for others in (
            'a[]=1; {"b": 2}; token=theirs; ',
            'c="; ',
        ):  # what other programs of the host have set
            assert get(address + "state", Cookie=others + cookie)[0] == 200
    finally:
        sink.close()


def answered(port: int, request: bytes) -> bytes:
    """Return what a request is answered; it is sent again while those who left still hold all places."""
    for _ in range(300):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(request)
            answer = connection.recv(4096)
        if b" 503 " not in answer:
            return answer
        time.sleep(0.2)
    return answer


def test_watchers_who_leave_and_malformed_requests_print_nothing(a_result, capfd, said):
    before = set(threading.enumerate())
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    port = urllib.parse.urlsplit(sink.url).port
    try:
        sink.write(a_result(1))
        for path in ("/", "/state", "/stream") * 5:
            with socket.create_connection(("127.0.0.1", port)) as tab:
                tab.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                # A tab that is closed meanwhile: the connection is reset, not ended.
                tab.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for request, status in (
            ("/ HTTP/1.0\r\nHost: [", b" 403 "),
            ("http://[ HTTP/1.0\r\nHost: localhost", b" 400 "),
        ):
            assert status in answered(port, f"GET {request}\r\n\r\n".encode())
    finally:
        sink.close()
    for thread in set(threading.enumerate()) - before:  # those that still answer
        thread.join(60)
    assert said == []
    assert capfd.readouterr().err == ""


def test_a_fault_of_ours_in_an_answer_is_one_line(a_result, capfd, monkeypatch, said):
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    monkeypatch.setattr(sink, "state", lambda: {}["gone"])
    try:
        for _ in range(3):
            with pytest.raises(OSError):
                urllib.request.urlopen(sink.url + "state", timeout=5)
    finally:
        sink.close()
    assert said == ["the preview could not answer: KeyError: 'gone'"]
    assert capfd.readouterr().err == ""


def test_a_taken_port_is_one_line():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(EdgeError, match="is in use by another program; name another HOST:PORT"),
    ):
        PreviewSink(WebAddress("127.0.0.1", taken.getsockname()[1]))


def test_a_stream_outlasts_a_silence(a_result, monkeypatch):
    waited = threading.Semaphore(0)
    newer_than = PreviewSink.newer_than

    def short(self, index):
        found = newer_than(self, index, timeout_s=0.01)
        if found is None:
            waited.release()
        return found

    monkeypatch.setattr(PreviewSink, "newer_than", short)
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    try:
        with urllib.request.urlopen(sink.url + "stream", timeout=60) as stream:
            assert waited.acquire(timeout=60)
            assert waited.acquire(timeout=60)
            sink.write(a_result(1))
            assert stream.readline() == b"--frame\r\n"
    finally:
        sink.close()


@pytest.fixture
def watched(a_result):
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    sink.write(a_result(1))
    yield sink
    sink.close()


def ask(sink: PreviewSink, path: str, host: str = "127.0.0.1") -> socket.socket:
    port = urllib.parse.urlsplit(sink.url).port
    connection = socket.create_connection((host, port), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    return connection


def test_there_is_room_for_some_watchers_and_again_once_they_go(watched):
    inside = [ask(watched, "/stream") for _ in range(MOST_OF_ONE)]
    assert all(one.recv(12) == b"HTTP/1.0 200" for one in inside)
    with ask(watched, "/state") as outside:
        assert outside.recv(12) == b"HTTP/1.0 503"
    for one in inside:
        one.close()
    while get(watched.url + "state")[0] != 200:  # as soon as they are noticed to be gone
        watched.write(
            dataclasses.replace(watched._newest, frame=dataclasses.replace(watched._newest.frame, index=2))
        )


def test_one_picture_is_encoded_for_all_who_watch(watched, a_result, monkeypatch):
    encoded, encode = [], cv2.imencode
    monkeypatch.setattr("cv2.imencode", lambda *asked: encoded.append(1) or encode(*asked))
    watchers = [threading.Thread(target=watched.jpeg, args=[a_result(7)]) for _ in range(20)]
    for one in watchers:
        one.start()
    for one in watchers:
        one.join()
    assert len(encoded) == 1


@pytest.mark.parametrize(
    "request_line", ["GET /", "GET /state", "GET /stream", "GET /gone", "BREW /", "GET http://["]
)
def test_every_answer_forbids_what_a_page_needs_not(watched, request_line):
    port = urllib.parse.urlsplit(watched.url).port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"{request_line} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
    for name in HEADERS:
        assert head.count(f"\r\n{name}: ".encode()) == 1
    assert b"Python" not in head


def test_it_is_served_on_ipv6_too(a_result):
    try:
        sink = PreviewSink(WebAddress("::1", 0))
    except EdgeError as error:
        pytest.skip(f"no IPv6 here: {error}")
    try:
        assert sink.token is None
        assert sink.url.startswith("http://[::1]:")
        assert get(sink.url + "state")[0] == 204
    finally:
        sink.close()


def test_no_name_is_looked_up(monkeypatch):
    for name in ("getfqdn", "gethostbyaddr", "gethostbyname"):
        monkeypatch.setattr(f"socket.{name}", lambda *asked: pytest.fail("a question to DNS"))
    for host in ("127.0.0.1", "0.0.0.0"):
        PreviewSink(WebAddress(host, 0)).close()
