"""A source played through a loop to its end."""

from device.runtime.session import run_session
from device.runtime.stopping import Stop


class Kept:
    """An inline sink that keeps every result."""

    name = "kept"

    def __init__(self):
        self.results = []

    def write(self, result):
        self.results.append(result)

    def close(self): ...


def play(loop, source, **kwargs):
    """Return the results of every frame, and the statistics of the run."""
    kept = Kept()
    statistics = run_session(source, loop, [], Stop(), inline=[kept], **kwargs)
    return kept.results, statistics
