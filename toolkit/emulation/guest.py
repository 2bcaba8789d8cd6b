"""Runs inside the emulated system: one thing at a time through the device's own code, with marks around it.

Usage: guest.py classify MODEL LABELS ROUNDS, or guest.py frame MODEL LABELS FRAMES. The plugin prints the count of
instructions at each mark; a round is what lies between the two of a pair.
"""

import contextlib
import os
import sys
from typing import Any

MARK = 0x3E4ED6E  # as in counter.c


def mark() -> None:
    """Make the plugin print its count."""
    with contextlib.suppress(OSError):
        os.getsid(MARK)


def classify(path: str, labels: tuple[str, ...], rounds: int) -> None:
    """Mark ``rounds`` inferences, after three of warm-up."""
    import numpy as np

    from device.model.expression_model import load_model

    model = load_model(path, labels)
    crop = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    for number in range(-3, rounds):
        if number >= 0:
            mark()
        model.predict(crop)
        if number >= 0:
            mark()


def frame(path: str, labels: tuple[str, ...], frames: int) -> None:
    """Mark each frame of the loop over the demo source, as ``device run`` runs it."""
    from device.runtime.build import run_with
    from device.runtime.frame_loop import FrameLoop
    from device.runtime.options import RunOptions
    from device.runtime.stopping import Stop

    process = FrameLoop.process

    def marked(self: Any, *arguments: Any, **named: Any) -> Any:
        mark()
        try:
            return process(self, *arguments, **named)
        finally:
            mark()

    FrameLoop.process = marked  # type: ignore[method-assign]
    run_with(RunOptions(source=f"demo:{frames}", model=path, labels=",".join(labels)), Stop())


if __name__ == "__main__":
    {"classify": classify, "frame": frame}[sys.argv[1]](
        sys.argv[2], tuple(sys.argv[3].split(",")), int(sys.argv[4])
    )
