"""A page with the live picture, on this device alone unless asked otherwise."""

import contextlib
import hmac
import http.server
import json
import logging
import secrets
import socket
import socketserver
import sys
import threading
import time
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2

from device.errors import EdgeError, UsageError
from device.results import FrameResult
from device.sinks import PREVIEW_HOST, PREVIEW_PORT, Sink
from device.sinks.drawing import annotated

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PICTURES_A_SECOND = 15
JPEG_QUALITY = 80
MOST_SAID = 20  # different faults, in a run of months
MOST_AT_ONCE = 16  # connections; each has a thread
REQUEST_S = 10.0  # for a request and its answer in all, but for a stream
UNREAD_S = 5.0  # a watcher of a stream who takes nothing for so long is let go
FULL = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n"
HEADERS = {  # of every answer
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class PreviewAddress:
    """Where the page is served: host and port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "PreviewAddress":
        """Return the address of ``PORT``, ``HOST`` or ``HOST:PORT``."""
        try:
            parts = urlsplit(f"//{PREVIEW_HOST + ':' if text.isdigit() else ''}{text}")
            return cls(parts.hostname or PREVIEW_HOST, PREVIEW_PORT if parts.port is None else parts.port)
        except ValueError:
            raise UsageError(
                f"`preview` {text}: expected HOST:PORT, such as {PREVIEW_HOST}:{PREVIEW_PORT}"
            ) from None

    @property
    def private(self) -> bool:
        """Whether only this device can reach it."""
        return self.host in LOOPBACK


class PreviewServer(http.server.ThreadingHTTPServer):
    """A thread a connection, ``MOST_AT_ONCE`` of them; one more is answered 503.

    One who has gone is no fault; what else goes wrong in an answer is logged, once.
    """

    daemon_threads = True

    def __init__(self, address: PreviewAddress, handler: type["PreviewHandler"]):
        self._said: set[str] = set()
        self._room = threading.Semaphore(MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        super().__init__((address.host, address.port), handler)

    def server_bind(self) -> None:
        """Bind, without the question to DNS for this host's full name that HTTPServer asks."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        request.setblocking(False)
        with contextlib.suppress(OSError):
            request.send(FULL)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, ConnectionError | TimeoutError):
            return
        line = f"the preview could not answer: {type(error).__name__}: {error}"
        if line not in self._said and len(self._said) < MOST_SAID:  # the page asks many times a second
            self._said.add(line)
            log.warning(line)


class PreviewSink(Sink):
    """Serves the newest result. It is drawn and encoded only while somebody watches, once for all who do.

    ``url`` is what to open; it carries a token where other devices can reach the page.
    """

    name = "preview"
    shows_newest = True

    def __init__(self, address: PreviewAddress, blur_faces: bool = False):
        self.blur_faces = blur_faces
        self.token = None if address.private else secrets.token_urlsafe(16)
        self._changed = threading.Condition()
        self._newest: FrameResult | None = None
        self._encoding = threading.Lock()
        self._encoded = (-1, b"")
        self.closed = False
        try:
            self._server = PreviewServer(address, self._handler())
        except OSError as error:
            raise EdgeError(
                f"cannot serve the preview on {address.host}:{address.port}: {error.strerror}; "
                "name another address with `preview=HOST:PORT`"
            ) from error
        # 0.0.0.0 is every address of this device and none that a phone could open.
        shown = socket.gethostname() if address.host in ("0.0.0.0", "::") else address.host
        shown = f"[{shown}]" if ":" in shown else shown
        self.url = f"http://{shown}:{self._server.server_port}/"
        if self.token:
            self.url += f"?token={self.token}"
        threading.Thread(target=self._server.serve_forever, name="preview", daemon=True).start()

    def write(self, result: FrameResult) -> None:
        with self._changed:
            self._newest = result
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def newer_than(self, index: int, timeout_s: float = 5.0) -> FrameResult | None:
        """Wait for a result after frame ``index``; None after ``timeout_s`` or at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.closed or (self._newest is not None and self._newest.index > index), timeout_s
            )
            return (
                None if self.closed or self._newest is None or self._newest.index <= index else self._newest
            )

    def state(self) -> dict[str, Any] | None:
        """Return the newest row with the smoothed scores, for the bars."""
        result = self._newest
        if result is None:
            return None
        row = result.to_json()
        for shown, face in zip(row["faces"], result.faces, strict=True):
            shown["smoothed"] = face.smoothed
        return row

    def jpeg(self, result: FrameResult) -> bytes:
        """Return the picture of ``result``, made by whoever asks first."""
        with self._encoding:
            if self._encoded[0] != result.index:
                picture = annotated(result, self.blur_faces)
                data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
                self._encoded = result.index, data
            return self._encoded[1]

    def _handler(self) -> type["PreviewHandler"]:
        sink = self

        class Handler(PreviewHandler):
            preview = sink

        return Handler


class PreviewHandler(http.server.BaseHTTPRequestHandler):
    """Answers ``/`` (the page), ``/stream`` (Motion JPEG) and ``/state`` (JSON)."""

    preview: PreviewSink
    timeout = REQUEST_S
    server_version, sys_version = "fer-edge", ""

    def setup(self) -> None:
        super().setup()
        # A timeout of the socket begins anew with every byte.
        self._deadline = threading.Timer(REQUEST_S, self._cut)
        self._deadline.daemon = True
        self._deadline.start()

    def finish(self) -> None:
        self._deadline.cancel()
        super().finish()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def do_GET(self) -> None:
        try:
            parts = urlsplit(self.path)
        except ValueError:
            self._answer(400, "text/plain", b"no address\n")
            return
        if not self._allowed(parts.query):
            self._answer(403, "text/plain", b"open the address with the token that 'device run' printed\n")
        elif parts.path == "/":
            page = resources.files("device").joinpath("data", "preview.html").read_bytes()
            self._answer(200, "text/html; charset=utf-8", page)
        elif parts.path == "/state":
            state = self.preview.state()
            body = b"" if state is None else json.dumps(state).encode()
            self._answer(204 if state is None else 200, "application/json", body)
        elif parts.path == "/stream":
            self._stream()
        else:
            self._answer(404, "text/plain", b"not here\n")

    def _allowed(self, query: str) -> bool:
        """Whether the token is right; without a token, whether the page was asked for by its own name."""
        token = self.preview.token
        if token is None:
            # Another site's script may point its own name at 127.0.0.1; it cannot change this header.
            try:
                return urlsplit(f"//{self.headers.get('Host', '')}").hostname in LOOPBACK
            except ValueError:
                return False
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get("token")
        except CookieError:
            cookie = None
        given = parse_qs(query).get("token", [cookie.value if cookie else ""])[0]
        return hmac.compare_digest(given.encode(), token.encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.preview.token and status == 200:
            # From here on the cookie carries the token, so that it need not stand in every address.
            self.send_header("Set-Cookie", f"token={self.preview.token}; HttpOnly; SameSite=Strict; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        self._deadline.cancel()
        self.connection.settimeout(UNREAD_S)
        index = -1
        while not self.preview.closed:
            result = self.preview.newer_than(index)
            if result is None:
                continue
            index = result.index
            data = self.preview.jpeg(result)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:  # the watcher has gone
                return
            time.sleep(1 / PICTURES_A_SECOND)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the loop, and an address in a log would carry the token."""
