"""Network cameras on loopback that misbehave as told: Motion JPEG over HTTP, and RTSP with JPEG by RFC 2435."""

import contextlib
import http.server
import os
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

RATE = 30.0
BOUNDARY = "picture"


@dataclass(frozen=True)
class Act:
    """What one connection shows: ``pictures`` of them (None: without end), and what comes ``then``.

    ``then``: close, stall (silent, still connected), bytes (noise instead of the protocol). ``spoilt``: numbers of
    the pictures that are noise, in sound parts or packets.
    """

    pictures: int | None = None
    then: str = "close"
    spoilt: Sequence[int] = ()


class Camera:
    """Serves ``jpegs`` around and around; the k-th connection plays ``acts[k]``, later ones the last act."""

    def __init__(self, jpegs: Sequence[bytes], *acts: Act):
        self.jpegs, self.acts = list(jpegs), acts or (Act(),)
        self.connections = 0
        self.over, self.stalling = threading.Event(), threading.Event()
        camera = self

        class Handler(self.handler):
            def handle(self):
                self.act = camera.acts[min(camera.connections, len(camera.acts) - 1)]
                camera.connections += 1
                self.camera = camera
                with contextlib.suppress(OSError):  # the client went away
                    super().handle()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server.allow_reuse_address = self.server.daemon_threads = True
        self.server.server_bind()
        self.server.server_activate()
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def pictures(self, act: Act) -> Iterator[tuple[bytes, bool]]:
        """Yield the pictures of ``act`` at the camera's rate, and of each if it is to be spoilt."""
        index = 0
        while index != act.pictures and not self.over.wait(1 / RATE):
            yield self.jpegs[index % len(self.jpegs)], index in act.spoilt
            index += 1

    def afterwards(self, act: Act, connection: socket.socket) -> None:
        if act.then == "stall":
            self.stalling.set()
            connection.settimeout(0.1)
            while not self.over.is_set():
                try:
                    if not connection.recv(4096):
                        return
                except TimeoutError:
                    pass
        elif act.then == "bytes":
            for _ in range(100):
                connection.sendall(os.urandom(10_000))


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.act.pictures == 0 and self.act.then == "close":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.end_headers()
        for jpeg, spoilt in self.camera.pictures(self.act):
            if spoilt:
                jpeg = os.urandom(len(jpeg))
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        self.camera.afterwards(self.act, self.connection)

    def log_message(self, *arguments):
        pass


class MjpegCamera(Camera):
    handler = MjpegHandler

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/video.mjpg"


class RtspHandler(socketserver.StreamRequestHandler):
    """As much of RFC 2326 as a player needs; the pictures go interleaved on the same TCP connection."""

    def handle(self):
        while request := self.rfile.readline().decode("latin-1").split():
            method, fields = request[0], {}
            while line := self.rfile.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                fields[name.lower()] = value.strip()
            if method == "TEARDOWN":
                return
            self._answer(method, fields["cseq"])
            if method == "PLAY":
                self._play()
                return

    def _answer(self, method: str, number: str) -> None:
        head, body = {
            "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
            "DESCRIBE": ("Content-Type: application/sdp\r\n", self._description()),
            "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
            "PLAY": ("Session: 1\r\n", ""),
        }[method]
        status = "404 Not Found" if self.act.pictures == 0 and self.act.then == "close" else "200 OK"
        answer = f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
        self.wfile.write(answer.encode())

    def _description(self) -> str:
        lines = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=camera", "t=0 0", "m=video 0 RTP/AVP 26")
        return "".join(f"{line}\r\n" for line in (*lines, "a=control:video"))

    def _play(self) -> None:
        sequence = 0
        for index, (jpeg, spoilt) in enumerate(self.camera.pictures(self.act)):
            for payload, last in rtp_jpeg(jpeg):
                if spoilt:
                    payload = os.urandom(len(payload))
                stamp = int(index * 90_000 / RATE) & 0xFFFFFFFF
                packet = struct.pack(">BBHII", 0x80, 26 | last << 7, sequence & 0xFFFF, stamp, 7) + payload
                self.wfile.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
                sequence += 1
        self.camera.afterwards(self.act, self.connection)


class RtspCamera(Camera):
    handler = RtspHandler

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/video"


def rtp_jpeg(jpeg: bytes, most: int = 1400) -> Iterator[tuple[bytes, bool]]:
    """Yield the RTP payloads of a baseline JPEG with 4:2:0 colour and the usual Huffman tables, and which is last.

    RFC 2435: the tables of quantization travel in the first payload (Q = 255), the scan is cut up behind it.
    """
    tables, place = b"", 2
    while jpeg[place + 1] != 0xDA:  # to the start of the scan
        marker, length = jpeg[place + 1], int.from_bytes(jpeg[place + 2 : place + 4], "big")
        segment = jpeg[place + 4 : place + 2 + length]
        if marker == 0xDB:
            tables += b"".join(segment[start + 1 : start + 65] for start in range(0, len(segment), 65))
        elif marker == 0xC0:
            height, width = struct.unpack(">HH", segment[1:5])
            assert segment[7] == 0x22, "4:2:0"
        place += 2 + length
    scan = jpeg[place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big") :]
    for start in range(0, len(scan), most):
        head = struct.pack(">BBHBBBB", 0, start >> 16, start & 0xFFFF, 1, 255, width // 8, height // 8)
        if start == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield head + scan[start : start + most], start + most >= len(scan)
