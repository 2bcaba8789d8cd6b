"""A page with the live picture, on this device alone unless asked otherwise."""

import hmac
import json
import secrets
import socket
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from device.results import FrameResult
from device.sinks import Sink
from device.sinks.drawing import jpeg
from device.sinks.web_server import LOOPBACK, WebAddress, WebHandler, WebServer
from device.storage import packaged

PICTURES_A_SECOND = 15
# A browser sends it to all ports of a host, whose programs have cookies of their own.
COOKIE = "fer-edge-preview"


class PreviewSink(Sink):
    """Serves the newest result. It is drawn and encoded only while a page is open, once for all of them.

    ``url`` is what to open; it carries a token where other devices can reach the page. EdgeError where it cannot be
    served.
    """

    name = "preview"
    shows_newest = True

    def __init__(self, address: WebAddress, blur_faces: bool = False):
        self.blur_faces = blur_faces
        self.token = None if address.private else secrets.token_urlsafe(16)
        self._changed = threading.Condition()
        self._newest: FrameResult | None = None
        self._encoding = threading.Lock()
        self._encoded = (-1, b"")
        self.closed = False
        self._server = WebServer(address, self._handler(), self.name)
        # 0.0.0.0 is every address of this device and none that a phone could open.
        shown = socket.gethostname() if address.host in ("0.0.0.0", "::") else address.host
        self.url = WebAddress(shown, self._server.server_port).url()
        if self.token:
            self.url += f"?token={self.token}"
        self._server.start()

    def write(self, result: FrameResult) -> None:
        with self._changed:
            self._newest = result
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._server.stop()

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
        """Return the picture of ``result`` as JPEG bytes, encoded once for all readers."""
        with self._encoding:
            if self._encoded[0] != result.index:
                self._encoded = result.index, jpeg(result, self.blur_faces)
            return self._encoded[1]

    def _handler(self) -> type["PreviewHandler"]:
        sink = self

        class Handler(PreviewHandler):
            preview = sink

        return Handler


class PreviewHandler(WebHandler):
    """Answers ``/`` (the page), ``/stream`` (Motion JPEG) and ``/state`` (JSON)."""

    preview: PreviewSink

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not self._allowed(parts.query):
            self._answer(403, "text/plain", b"open the address with the token that 'device run' printed\n")
        elif parts.path == "/":
            page = packaged("preview.html").read_bytes()
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
        # Other programs of this host may have set cookies of any form: http.cookies would stop at the first odd one.
        pairs = (part.strip().partition("=") for part in self.headers.get("Cookie", "").split(";"))
        cookies = {name: value for name, _, value in pairs}
        given = parse_qs(query).get("token", [cookies.get(COOKIE, "")])[0]
        return hmac.compare_digest(given.encode(), token.encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.preview.token and status == 200:
            # From here on the cookie carries the token, so that it need not stand in every address.
            self.send_header(
                "Set-Cookie", f"{COOKIE}={self.preview.token}; HttpOnly; SameSite=Strict; Path=/"
            )
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        self.begin_stream()
        index = -1
        while not self.preview.closed:
            result = self.preview.newer_than(index)
            if result is None:
                if self.gone():
                    return
                continue
            index = result.index
            data = self.preview.jpeg(result)
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:  # the watcher has gone
                return
            time.sleep(1 / PICTURES_A_SECOND)
