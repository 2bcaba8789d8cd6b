"""What serves the preview and the metrics, asked by clients that are slow, silent, many or gone."""

import contextlib
import select
import socket
import threading
import time
import urllib.parse

import pytest

from device.errors import UsageError
from device.sinks.metrics import MetricsSink
from device.sinks.preview import PreviewSink
from device.sinks.web_server import MOST_AT_ONCE, MOST_OF_ONE, WebAddress, WebHandler


def metrics():
    pytest.importorskip("prometheus_client")
    sink = MetricsSink(WebAddress("127.0.0.1", 0), ("happy",), {"name": "a"})
    sink.begin()
    return sink, sink.name


def preview():
    sink = PreviewSink(WebAddress("127.0.0.1", 0))
    return sink, sink.url


@pytest.fixture(params=[metrics, preview])
def port(request):
    """The port of each sink that serves."""
    sink, url = request.param()
    yield urllib.parse.urlsplit(url).port
    sink.close()


def connect(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))


def ended(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(100) == b""
    return True


def answered(connection: socket.socket, path: str) -> bytes:
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    return connection.recv(12)


def all_end(threads: set[threading.Thread]) -> bool:
    for one in threads:
        one.join(60)
    return bool(threads) and not any(one.is_alive() for one in threads)


def only_left(threads: set[threading.Thread]) -> bool:
    """Wait for the end of all others, and of those that they begin."""
    for _ in range(6000):
        if set(threading.enumerate()) <= threads:
            return True
        time.sleep(0.01)
    return False


def test_a_request_that_drips_is_cut_in_the_end(port, monkeypatch):
    monkeypatch.setattr("device.sinks.web_server.REQUEST_S", 0.5)
    with connect(port) as slow:
        slow.sendall(b"GET / HTTP/1.0\r\nX: ")
        while not select.select([slow], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):
                slow.sendall(b"x")
        assert ended(slow)


def test_who_says_nothing_takes_one_of_a_few_places(port):
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(connect(port, f"127.0.0.{1 + number % 4}"))
            for number in range(2 * MOST_AT_ONCE)
        ]
        late = silent[MOST_AT_ONCE:]
        assert all(one.recv(12) == b"HTTP/1.0 503" for one in late)
        assert len(threading.enumerate()) <= len(before) + 2 * MOST_AT_ONCE  # one serves, one cuts
    assert only_left(before)
    with connect(port) as later:
        assert answered(later, "/") == b"HTTP/1.0 200"


def test_one_address_leaves_places_to_others(port):
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(port)) for _ in range(2 * MOST_AT_ONCE)]
        assert all(one.recv(12) == b"HTTP/1.0 503" for one in silent[MOST_OF_ONE:])
        with connect(port, "127.0.0.2") as other:
            assert answered(other, "/") == b"HTTP/1.0 200"
    assert only_left(before)
    with connect(port) as later:
        assert answered(later, "/") == b"HTTP/1.0 200"


def test_a_place_is_free_again_where_no_thread_could_be_started(port, monkeypatch, said):
    started = threading.Thread.start
    refused = iter(range(MOST_AT_ONCE))

    def start(thread):
        if next(refused, None) is not None:
            raise RuntimeError("can't start new thread")
        started(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    for _ in range(MOST_AT_ONCE):
        with connect(port) as one:
            assert ended(one)
    assert len(said) == 1
    with connect(port) as later:
        assert answered(later, "/") == b"HTTP/1.0 200"


@pytest.fixture
def watched():
    """A preview without a picture yet, its port, and the threads that come to answer."""
    sink, url = preview()
    before = set(threading.enumerate())
    yield sink, urllib.parse.urlsplit(url).port, lambda: set(threading.enumerate()) - before
    sink.close()


def test_who_reads_nothing_of_a_stream_is_let_go(watched, a_result, monkeypatch):
    sink, port, threads = watched
    sink.write(a_result(0))
    monkeypatch.setattr(WebHandler, "timeout", 0.1)
    monkeypatch.setattr(
        sink, "jpeg", lambda result: bytes(32 << 20)
    )  # more than the system keeps for a reader
    with connect(port) as slow:
        assert answered(slow, "/stream") == b"HTTP/1.0 200"
        assert all_end(threads())


def test_who_has_gone_is_noticed_without_a_picture(watched, monkeypatch):
    sink, port, threads = watched
    newer_than = sink.newer_than
    monkeypatch.setattr(sink, "newer_than", lambda index: newer_than(index, 0.02))
    with connect(port) as watcher:
        assert answered(watcher, "/stream") == b"HTTP/1.0 200"
        answering = threads()
    assert all_end(answering)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8123", ("127.0.0.1", 8123)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("pi.local", ("pi.local", 8008)),
        ("[::1]:9", ("::1", 9)),
    ],
)
def test_addresses_as_typed(text, address):
    parsed = WebAddress.parse(text, "preview", "127.0.0.1:8008")
    assert (parsed.host, parsed.port) == address
    assert parsed.private == (address[0] in ("127.0.0.1", "::1"))


@pytest.mark.parametrize("text", ["host:port", "host:99999", "[::1", "a..b"])
def test_what_is_no_address_is_wrong_use(text):
    with pytest.raises(UsageError, match=r"`preview` .*: expected HOST:PORT, such as 127.0.0.1:8008"):
        WebAddress.parse(text, "preview", "127.0.0.1:8008")


def test_a_host_that_is_none_is_wrong_use():
    for known in ("127.0.0.1", "localhost", "0.0.0.0", "::1"):
        WebAddress(known, 80).refuse_unknown_host("metrics")
    with pytest.raises(socket.gaierror) as unknown:
        socket.getaddrinfo("no.such.host.invalid", 80)
    if unknown.value.errno != socket.EAI_NONAME:
        pytest.skip("no name service answers here")
    with pytest.raises(
        UsageError, match=r"`metrics` no\.such\.host\.invalid: there is no such host; expected"
    ):
        WebAddress("no.such.host.invalid", 80).refuse_unknown_host("metrics")
