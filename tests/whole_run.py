"""A source played through a loop to its end."""

from device.runtime.session import run_session
from device.runtime.stopping import Stop


def play(loop, source, **kwargs):
    """Return the results of every frame, and the statistics of the run."""
    results = []
    statistics = run_session(source, loop, [], Stop(), on_result=results.append, **kwargs)
    return results, statistics
