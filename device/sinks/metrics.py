"""Figures for a dashboard, in Prometheus' format, by its own client library."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from device.board.state import BoardState, read_board
from device.errors import EdgeError
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.web_server import WebAddress, WebHandler, WebServer

log = logging.getLogger(__name__)

# Upper bounds of the latency histograms, seconds: an inference of 0.2 ms to a searched frame on a small board.
BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class MetricsSink(Sink):
    """Serves ``http://HOST:PORT/metrics``: frames, drops, latency by stage, faces by expression, board, model.

    ``labels`` are the model's; ``model`` its name and digest; ``board`` is asked once at each scrape. No picture and no
    score of a face is in it. EdgeError where prometheus_client is not installed, and from ``begin`` where the port is
    taken.
    """

    shows_newest = True

    def __init__(
        self,
        address: WebAddress,
        labels: Sequence[str],
        model: dict[str, str],
        board: Callable[[], BoardState] = read_board,
    ):
        try:
            import prometheus_client as prometheus
        except ModuleNotFoundError:
            raise EdgeError('`metrics` needs prometheus_client: pip install "prometheus_client<1"') from None
        self.address = address
        self.name = address.url("/metrics")
        self.labels, self.board = tuple(labels), board
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
        registry.register(self)
        prometheus.Info("fer_edge_model", "The model that runs.", registry=registry).info(model)
        for label in self.labels:
            self.faces.labels(label).set(0)
        # Theirs answers, ours bounds how many ask and for how long.
        self._handler = type("Handler", (WebHandler, prometheus.MetricsHandler.factory(registry)), {})
        self._server: WebServer | None = None

    def begin(self) -> None:
        """Listen; what cannot be listened on is said, and the run goes on."""
        self._server = WebServer(self.address, self._handler, "metrics", "/metrics")
        self._server.start()
        self.name = WebAddress(self.address.host, self._server.server_port).url("/metrics")
        log.info("metrics: %s", self.name)

    def collect(self) -> Iterator[Any]:
        """Yield what the board tells now, for prometheus_client at a scrape; what it does not tell is left out."""
        from prometheus_client.core import GaugeMetricFamily

        state = self.board()
        if state.temperature_c is not None:
            yield GaugeMetricFamily("fer_edge_temperature_celsius", "Of the board.", state.temperature_c)
        if state.throttled_now is not None:
            told = "1 while under-voltage, heat or a frequency cap slows it."
            yield GaugeMetricFamily("fer_edge_throttled", told, float(bool(state.throttled_now)))

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
            self._server.stop()
