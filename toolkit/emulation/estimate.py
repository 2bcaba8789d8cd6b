"""Estimated latency on a board: guest instructions counted on its emulated core, divided by what the core does."""

import logging
import re
import statistics
from importlib import resources
from pathlib import Path

import device
from device.child_processes import last_words
from device.errors import EdgeError
from device.model.expression_model import load_model
from toolkit.emulation.boards import Board, board_named
from toolkit.emulation.counts import PACKAGES, Count, known_count, remember
from toolkit.emulation.guest_process import run_guest
from toolkit.emulation.tree import BOOKWORM, ensure_packages, ensure_tree
from toolkit.results.identity import distinct_names, identity_of
from toolkit.results.types import CLASSIFY, ESTIMATED, Latency, ModelResults, Results

log = logging.getLogger(__name__)
CLASSIFY_ROUNDS, FRAMES = 3, 35
FIRST_FRAMES = 15  # until the faces are known and followed
SYSTEM = BOOKWORM
FACES = 2  # in a frame of the demo
FOLLOWED, SEARCHED = "frame, face followed", "frame, whole search"


def count_rounds(board: Board, what: str, model: Path, labels: tuple[str, ...], rounds: int) -> list[int]:
    """Return the instructions of each round of ``guest.py`` on the board's core; EdgeError if the guest fails."""
    code = Path(device.__file__).parents[1]
    done = run_guest(
        board,
        ensure_tree(SYSTEM),
        [
            str(resources.files("toolkit.emulation") / "guest.py"),
            what,
            model.resolve(),
            ",".join(labels),
            str(rounds),
        ],
        [ensure_packages(SYSTEM, PACKAGES), code],
        counting=True,
    )
    totals = [int(total) for total in re.findall(r"fer-edge-count (\d+)", done.stderr)]
    if done.returncode or len(totals) < 2:
        raise EdgeError(f"{model.name} does not run on the emulated {board.name}: {last_words(done)}")
    return [after - before for before, after in zip(totals[::2], totals[1::2], strict=False)]


def count_model(board: Board, model: Path, labels: tuple[str, ...]) -> Count:
    """Return the instructions that ``model`` takes on the board's core, alone and in the frame loop."""
    classify = min(count_rounds(board, "classify", model, labels, CLASSIFY_ROUNDS))
    steady = count_rounds(board, "frame", model, labels, FRAMES)[FIRST_FRAMES:]
    return Count(classify, int(statistics.median(steady)), max(steady))


def estimate_latency(board: Board, count: Count, int8: bool) -> Latency:
    """Return the count as a latency, labelled as estimated, with its bands and how it was made."""
    stages = {CLASSIFY: _stats(board.milliseconds(count.classify, int8))}
    ipc = board.ipc_int8 if int8 else board.ipc_float
    how = (
        f"estimated from {count.classify / 1e6:.2f} million instructions counted on an emulated {board.core}, at "
        f"{board.clock_ghz:g} GHz and {ipc:g} instructions a cycle; the truth may be {board.band:g} times more or less."
    )
    if count.steady_frame is not None and count.searched_frame is not None:
        network = FACES * count.classify
        for stage, instructions in ((FOLLOWED, count.steady_frame), (SEARCHED, count.searched_frame)):
            stages[stage] = _stats(board.frame_milliseconds(instructions, network, int8))
        how += (
            f" A frame of the demo source (640x480, two faces): {count.steady_frame / 1e6:.1f} million where known "
            f"faces are followed, {count.searched_frame / 1e6:.1f} where the whole frame is searched, what is not the "
            f"network's at {board.ipc_other:g} a cycle; the truth may be {board.frame_band:g} times more or less."
        )
    extra = {
        "how": how,
        "band": board.band,
        "frame_band": board.frame_band,
        "instructions": count.classify,
        "board": board.name,
    }
    return Latency(board.key, ESTIMATED, stages, extra=extra)


def _stats(milliseconds: float) -> dict[str, float | int]:
    ms = round(milliseconds, 5)
    return {"n": 1, "mean_ms": ms, "p50_ms": ms, "p90_ms": ms, "p99_ms": ms, "max_ms": ms, "warmup_n": 3}


def estimate_files(
    paths: list[str],
    targets: list[str],
    labels: tuple[str, ...] | None = None,
) -> Results:
    """Estimate the latency of .tflite files on the boards ``targets``; what was counted before is not counted again.

    Raises UsageError for an unknown board, EdgeError for a model that is no .tflite, or without an emulator.
    """
    boards = [board_named(target) for target in targets]
    for path in paths:
        if Path(path).suffix != ".tflite":
            raise EdgeError(f"{path} cannot be estimated: boards run .tflite files; quantize it first")
    entries, called = [], distinct_names(paths)
    for path, model in [(path, load_model(path, labels)) for path in paths]:
        latencies = []
        for board in boards:
            count = known_count(board, Path(path)) or _count_now(board, path, tuple(model.labels))
            latencies.append(estimate_latency(board, count, model.input_tensor.dtype in ("int8", "uint8")))
        entries.append(ModelResults(identity_of(path, model, called[path]), latencies=tuple(latencies)))
    return Results(tuple(entries), f"benchmark --target {' '.join(targets)}")


def _count_now(board: Board, path: str, labels: tuple[str, ...]) -> Count:
    ensure_tree(SYSTEM)
    ensure_packages(SYSTEM, PACKAGES)
    log.info(f"counting {path} on an emulated {board.name}, some minutes, once")
    count = count_model(board, Path(path), labels)
    remember(board, Path(path), count)
    return count
