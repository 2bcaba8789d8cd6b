"""Where results go, one file a kind."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device.results import FrameResult

PREVIEW, METRICS = "127.0.0.1:8008", "127.0.0.1:9108"  # where they are served unless told otherwise
MQTT_TOPIC = "fer-edge"
LONGEST_TOPIC = 256 - len("/picture")  # bytes: brokers of clouds take 256, with what is appended


def fit_topic(text: str) -> bool:
    """Return whether a message can be published to an MQTT topic: + and # only stand in what is subscribed to, brokers
    end the connection for control characters, and long ones do not fit into a message."""
    # Bytes that are no text, which cannot be encoded, are not printable.
    return text.isprintable() and 0 < len(text.encode()) <= LONGEST_TOPIC and not set(text) & set("+#")


class Sink(ABC):
    """Takes every result, one after another, in a thread of its own; it may block without delaying the frame loop.

    Raises EdgeError for what it could not keep: after one from ``begin`` or ``write`` it is left out.

    >>> class Count(Sink):
    ...     name, faces = "count", 0
    ...     def write(self, result): self.faces += len(result.faces)
    """

    name: str
    shows_newest: bool = False  # what it shows is replaced by the next result, so a dropped one is no loss

    def begin(self) -> None:  # noqa: B027 - nothing to begin is a fit answer
        """Begin what was asked for: the source is open. Before that nothing that exists may be touched."""

    @abstractmethod
    def write(self, result: "FrameResult") -> None: ...

    def close(self) -> None:  # noqa: B027 - nothing to close is a fit answer
        """Finish what was written; by default there is nothing to do."""
