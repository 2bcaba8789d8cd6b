"""Which of several models to take, and why: one rule for ``quantize --recipe all`` and for ``report``."""

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.results.words import signed

TOLERATED_DROP_POINTS = 0.5  # MLPerf asks of int8 99 % of float's accuracy; this is 99.3 % at 70 %
CLOSE = 1.25  # times that differ by less say little of another machine
SLOW = 20.0  # so many times slower: no fast kernels exist


@dataclass(frozen=True)
class Candidate:
    """A model to choose or not.

    ``score``: percent of the faces named right or, where no labels are known, named as the float model names them;
    ``p50_ms``: median latency, None where not all were timed on one machine.
    """

    name: str
    recipe: str | None
    size_bytes: int
    score: float
    p50_ms: float | None = None


@dataclass(frozen=True)
class Decision:
    """The name to take, None where there was no candidate, and the reasons: for it first, then against each other."""

    choice: str | None
    reasons: tuple[str, ...] = ()


def decide(candidates: Sequence[Candidate], tolerated_drop: float = TOLERATED_DROP_POINTS) -> Decision:
    """Return the fastest of those that lose at most ``tolerated_drop`` points against the best of ``candidates``.

    Of those nearly as fast as the fastest, full int8 comes first, whose arithmetic every board and accelerator has,
    then the smallest file. Without latencies all count as equally fast. Reasons compare with the first candidate,
    which is the float model as a rule.

    >>> decide([Candidate("float32", "float32", 4000, 70.0, 1.0), Candidate("int8", "int8", 1000, 69.8, 0.3)]).choice
    'int8'
    """
    if not candidates:
        return Decision(None)
    best = max(one.score for one in candidates)
    fit = [one for one in candidates if best - one.score <= tolerated_drop + 1e-9]
    timed = [one.p50_ms for one in fit if one.p50_ms is not None]
    close = fit
    if timed:
        close = [one for one in fit if one.p50_ms is not None and one.p50_ms <= CLOSE * min(timed)]
    choice = min(close, key=lambda one: (one.recipe != "int8", one.size_bytes))
    why = [f"Take {choice.name}: {_why(choice, candidates, fit, tolerated_drop)}."]
    why += [
        f"Not {one.name}: {_why_not(one, choice, best, tolerated_drop)}."
        for one in candidates
        if one is not choice
    ]
    return Decision(choice.name, tuple(why))


def _why(
    choice: Candidate, candidates: Sequence[Candidate], fit: Sequence[Candidate], tolerated: float
) -> str:
    first = candidates[0]
    if len(candidates) == 1:
        return "it is the only one"
    if choice is not first:
        ahead = "" if first in fit else f"what is faster loses more than {tolerated:g} points; "
        if not (choice.p50_ms and first.p50_ms and choice.p50_ms > first.p50_ms):
            ahead = ""
        parts = [_times(first.size_bytes / choice.size_bytes, "smaller", "larger", "of the size")]
        if choice.p50_ms and first.p50_ms:
            parts.append(_times(first.p50_ms / choice.p50_ms, "faster", "slower", "as fast"))
        return (
            f"{ahead}{' and '.join(parts)}, {signed(choice.score - first.score)} points, against {first.name}"
        )
    if len(fit) == 1:
        return f"every other loses more than {tolerated:g} points"
    ahead_of_it = [one for one in fit if one.p50_ms and choice.p50_ms and one.p50_ms < choice.p50_ms]
    return f"no other that loses at most {tolerated:g} points is {'much ' if ahead_of_it else ''}faster"


def _why_not(one: Candidate, choice: Candidate, best: float, tolerated: float) -> str:
    lost = best - one.score
    if lost > tolerated + 1e-9:
        return f"it loses {lost:.2f} points against the best, more than {tolerated:g}"
    if choice.p50_ms is not None and one.p50_ms is None:
        return "it was not timed beside the others"
    if choice.p50_ms and one.p50_ms:
        slower = one.p50_ms / choice.p50_ms
        if slower > SLOW:
            return f"it is {slower:.0f} times slower than {choice.name}: no fast kernels exist for it"
        if slower > CLOSE:
            return f"it is {slower:.1f} times slower than {choice.name}"
    if one.recipe == "dynamic":
        return "as fast here, but its float arithmetic keeps it off int8 accelerators and slows it on small cores"
    if one.recipe == "int8-mixed" and choice.recipe == "int8":
        return f"{choice.name} is good enough without layers in float"
    larger = one.size_bytes / choice.size_bytes
    if larger > 1:
        return f"it brings nothing over {choice.name}, and its file is {larger:.1f} times as large"
    return f"it brings too little over {choice.name}, whose int8 arithmetic every board and accelerator has"


def _times(factor: float, more: str, less: str, same: str) -> str:
    if 0.95 < factor < 1.05:
        return same
    return f"{factor:.1f} times {more}" if factor > 1 else f"{1 / factor:.1f} times {less}"
