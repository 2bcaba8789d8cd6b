"""The whole way timed as it runs for hours: a warm-up, a steady state, the board before and after."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from device.board.state import BoardState, read_board
from device.runtime.build import run_with
from device.runtime.options import RunOptions
from device.runtime.stopping import Stop, stopped_by_signals

WARMUP_FRAMES = 60
STEADY_S = 30.0


def benchmark_loop(
    seconds: float, options: RunOptions, board: Callable[[], BoardState] = read_board
) -> tuple[dict[str, Any], list[str]]:
    """Run ``device run``'s own loop for ``seconds``; return a document for JSON and lines for a person.

    The figures are those of ``RunStatistics`` after ``WARMUP_FRAMES``; ``notes`` says what makes them doubtful.
    """
    options = replace(options, seconds=seconds)
    before, cpu_s = board(), time.process_time()
    stop = Stop()
    with stopped_by_signals(stop):
        statistics = run_with(options, stop, warmup=WARMUP_FRAMES)
    cpu_s, after = time.process_time() - cpu_s, board()
    notes = [*statistics.notes, *doubts(before, after, seconds)]
    document = {
        **statistics.to_json(),
        "options": asdict(options),
        "warmup_frames": WARMUP_FRAMES,
        "cpu_share": round(cpu_s / statistics.seconds, 3) if statistics.seconds else None,
        "board_before": before.to_json(),
        "board_after": after.to_json(),
        "notes": notes,
    }
    return document, [*statistics.lines(), *(f"note: {note}" for note in notes)]


def doubts(before: BoardState, after: BoardState, seconds: float) -> list[str]:
    """Return why the figures may not be those of a cool, well-fed board in its steady state."""
    found = []
    if seconds < STEADY_S:
        found.append(
            f"measured for {seconds:g} s; a board is in its steady state after {STEADY_S:g} s and more"
        )
    slowed = sorted(set(before.throttled_now or ()) | set(after.throttled_now or ()))
    if slowed:
        found.append(f"the board was slowed down ({', '.join(slowed)}): cool it and use its own power supply")
    if before.temperature_c is not None and after.temperature_c is not None:
        found.append(f"temperature {before.temperature_c:.0f} °C before, {after.temperature_c:.0f} °C after")
    return found
