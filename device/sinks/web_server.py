"""What the preview and the metrics are served by: few connections at once, and a deadline for each."""

import contextlib
import errno
import http.server
import logging
import select
import socket
import socketserver
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from device.errors import EdgeError, UsageError

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_SAID = 20  # different faults, in a run of months
MOST_AT_ONCE = 16  # connections; each has a thread
MOST_OF_ONE = 8  # from one address, so that nobody alone keeps the others out
REQUEST_S = 10.0  # for a request and its answer in all; of a stream, for each part
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
class WebAddress:
    """Where something is served: host and port; port 0 is any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, option: str, usual: str) -> "WebAddress":
        """Return the address of ``PORT``, ``HOST`` or ``HOST:PORT``, what is missing as in ``usual``.

        UsageError that names ``option`` for anything else.

        >>> WebAddress.parse("8080", "preview", "127.0.0.1:8008")
        WebAddress(host='127.0.0.1', port=8080)
        """
        host, port = usual.split(":")
        try:
            parts = urlsplit(f"//{host + ':' if text.isdigit() else ''}{text}")
            asked = cls(parts.hostname or host, int(port) if parts.port is None else parts.port)
            asked.host.encode("idna")
        except ValueError:
            raise UsageError(f"`{option}` {text}: expected HOST:PORT, such as {usual}") from None
        return asked

    def refuse_unknown_host(self, option: str) -> None:
        """Raise UsageError that names ``option`` where there is no such host; an answer that fails to come is none."""
        try:
            socket.getaddrinfo(self.host, self.port)
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                raise UsageError(
                    f"`{option}` {self.host}: there is no such host; expected an address of this device, such as "
                    f"{LOOPBACK[0]} or 0.0.0.0, or a port alone"
                ) from None

    @property
    def private(self) -> bool:
        """Whether only this device can reach it."""
        return self.host in LOOPBACK

    def url(self, path: str = "/") -> str:
        """Return what to ask for ``path`` here."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}{path}"


class WebServer(http.server.ThreadingHTTPServer):
    """A thread a connection, ``MOST_AT_ONCE`` of them and ``MOST_OF_ONE`` from one address; one more is answered 503.
    It serves from ``start`` to ``stop``.

    A client that disconnects is no fault; any other error in an answer is logged once, as a fault of ``name``, the
    option that asked for it. EdgeError, naming what is served at ``path``, where the address cannot be listened on.
    """

    daemon_threads = True
    request_queue_size = 64  # a queue of 5 makes the sixth wait a second

    def __init__(self, address: WebAddress, handler: type["WebHandler"], name: str, path: str = "/"):
        self.name = name
        self._said: set[str] = set()
        self._held: Counter[str] = Counter()  # connections by address
        self._counting = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            super().__init__((address.host, address.port), handler)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            why = (
                "is in use by another program" if in_use else f"cannot be served ({error.strerror or error})"
            )
            raise EdgeError(f"`{name}`: {address.url(path)} {why}; name another HOST:PORT") from None

    def server_bind(self) -> None:
        """Bind, without the question to DNS for this host's full name that HTTPServer asks."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def start(self) -> None:
        """Answer from now on, in a thread."""
        threading.Thread(target=self.serve_forever, name=self.name, daemon=True).start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._take_place(client_address[0]):
            try:
                super().process_request(request, client_address)
            except RuntimeError:  # no thread could be started
                self._leave_place(client_address[0])
                raise
            return
        request.setblocking(False)
        with contextlib.suppress(OSError):
            request.send(FULL)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave_place(client_address[0])

    def _take_place(self, host: str) -> bool:
        with self._counting:
            free = self._held.total() < MOST_AT_ONCE and self._held[host] < MOST_OF_ONE
            self._held[host] += free
        return free

    def _leave_place(self, host: str) -> None:
        with self._counting:
            self._held -= Counter([host])  # who has none left is forgotten

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, ConnectionError | TimeoutError):
            return
        line = f"the {self.name} could not answer: {type(error).__name__}: {error}"
        if line not in self._said and len(self._said) < MOST_SAID:  # the page asks many times a second
            self._said.add(line)
            log.warning(line)


class WebHandler(http.server.BaseHTTPRequestHandler):
    """One request and its answer, cut ``REQUEST_S`` after it began unless ``begin_stream`` was called."""

    timeout = REQUEST_S
    server_version, sys_version = "fer-edge", ""

    def setup(self) -> None:
        super().setup()
        # A timeout of the socket begins anew with every byte.
        self._deadline = threading.Timer(REQUEST_S, self._cut)
        self._deadline.daemon = True
        self._deadline.start()

    def parse_request(self) -> bool:
        """Read the request; what asks for no address, such as ``http://[::1/``, is answered 400."""
        if not super().parse_request():
            return False
        try:
            urlsplit(self.path)
        except ValueError as error:
            self.send_error(400, str(error))
            return False
        return True

    def finish(self) -> None:
        self._deadline.cancel()
        super().finish()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def begin_stream(self) -> None:
        """Let the answer go on for as long as each of its parts is taken within ``timeout``."""
        self._deadline.cancel()

    def gone(self) -> bool:
        """Return whether the client has closed the connection, or sent more than its request."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the loop, and an address in a log would carry the token."""
