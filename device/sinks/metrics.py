"""Figures for a dashboard, in Prometheus' format, by its own client library."""

import errno
import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from device.errors import EdgeError, UsageError
from device.results import FrameResult
from device.sinks import METRICS_HOST, METRICS_PORT, Sink

log = logging.getLogger(__name__)

SILENT_S = 5.0  # a scraper may wait so long between two bytes of what it asks

# Upper bounds of the latency histograms, seconds: an inference of 0.2 ms to a searched frame on a small board.
BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class BoardReadings:
    """How to ask the board when somebody looks: degrees Celsius, and 1 while anything slows it down; None: not told."""

    temperature_c: Callable[[], float | None]
    throttled: Callable[[], float | None]


def parse_metrics_address(text: str) -> tuple[str, int]:
    """Return host and port of ``PORT``, ``HOST`` or ``HOST:PORT``; UsageError for anything else."""
    try:
        parts = urlsplit(f"//{METRICS_HOST + ':' if text.isdigit() else ''}{text}")
        return parts.hostname or METRICS_HOST, METRICS_PORT if parts.port is None else parts.port
    except ValueError:
        raise UsageError(
            f"`metrics` {text}: expected HOST:PORT, such as {METRICS_HOST}:{METRICS_PORT}"
        ) from None


class MetricsSink(Sink):
    """Serves ``http://HOST:PORT/metrics``: frames, drops, latency by stage, faces by expression, board, model.

    ``labels`` are the model's; ``model`` its name and digest. No picture and no score of a face is in it.
    EdgeError where prometheus_client is not installed, and from ``begin`` where the port is taken.
    """

    shows_newest = True

    def __init__(
        self, address: tuple[str, int], labels: Sequence[str], model: dict[str, str], board: BoardReadings
    ):
        try:
            import prometheus_client as prometheus
        except ModuleNotFoundError:
            raise EdgeError('`metrics` needs prometheus_client: pip install "prometheus_client<1"') from None
        self.host, self.port = address
        self.name = _address_of(self.host, self.port)
        self.labels = tuple(labels)
        self._next_index = 0
        registry = prometheus.CollectorRegistry()
        self.frames = prometheus.Counter("fer_edge_frames", "Frames looked at.", registry=registry)
        self.dropped = prometheus.Counter(
            "fer_edge_frames_dropped", "Late frames left out.", registry=registry
        )
        self.stages = prometheus.Histogram(
            "fer_edge_stage_seconds",
            "Time of a frame by stage.",
            ["stage"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self.faces = prometheus.Gauge(
            "fer_edge_faces", "Faces in the last frame by expression.", ["expression"], registry=registry
        )
        self.age = prometheus.Gauge(
            "fer_edge_frame_age_seconds", "Capture to result, last frame.", registry=registry
        )
        for name, help_text, ask in (
            ("fer_edge_temperature_celsius", "Of the board.", board.temperature_c),
            (
                "fer_edge_throttled",
                "1 while under-voltage, heat or a frequency cap slows it.",
                board.throttled,
            ),
        ):
            if ask() is not None:
                prometheus.Gauge(name, help_text, registry=registry).set_function(_number(ask))
        prometheus.Info("fer_edge_model", "The model that runs.", registry=registry).info(model)
        for label in self.labels:
            self.faces.labels(label).set(0)
        self._serve = functools.partial(prometheus.start_http_server, registry=registry)
        self._server: Any = None

    def begin(self) -> None:
        """Listen; what cannot be listened on is said, and the run goes on."""
        try:
            self._server, self._thread = self._serve(self.port, self.host)
        except (OSError, UnicodeError) as error:
            told = f"cannot be served ({getattr(error, 'strerror', None) or error})"
            taken = "is in use by another program" if getattr(error, "errno", 0) == errno.EADDRINUSE else told
            raise EdgeError(f"`metrics`: {self.name} {taken}; name another HOST:PORT") from None
        self._server.RequestHandlerClass.timeout = SILENT_S  # each connection has a thread
        self.name = _address_of(self.host, self._server.server_port)
        log.info("metrics: %s", self.name)

    def write(self, result: FrameResult) -> None:
        """Count one frame; a gap in the frames' numbers is what the loop dropped."""
        self.frames.inc()
        self.dropped.inc(max(0, result.index - self._next_index))
        self._next_index = result.index + 1
        for stage, milliseconds in result.latency_ms.items():
            self.stages.labels(stage).observe(milliseconds / 1000)
        self.age.set(result.age_ms / 1000)
        shown = [face.smoothed_label for face in result.faces]
        for label in self.labels:
            self.faces.labels(label).set(shown.count(label))

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(timeout=1)


def _address_of(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"


def _number(ask: Callable[[], float | None]) -> Callable[[], float]:
    def number() -> float:
        value = ask()
        return float("nan") if value is None else value

    return number
