"""Where results go, one file a kind."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from device.results import FrameResult

PREVIEW_HOST, PREVIEW_PORT = "127.0.0.1", 8008
METRICS_HOST, METRICS_PORT = "127.0.0.1", 9108
MQTT_TOPIC = "fer-edge"


class Sink(Protocol):
    """Takes every result. A sink that fails raises EdgeError; the loop goes on without it."""

    name: str

    def write(self, result: "FrameResult") -> None: ...

    def close(self) -> None: ...
