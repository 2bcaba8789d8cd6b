"""Where results go, one file a kind."""

from typing import Protocol

from device.results import FrameResult


class Sink(Protocol):
    """Takes every result. A sink that fails raises EdgeError; the loop goes on without it."""

    name: str

    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None: ...
