"""Holding the drop: the layers that lose most are kept in float32, one by one, until the loss is within a
limit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from device.errors import EdgeError
from toolkit.quantization.conversion.layers import LayerError
from toolkit.quantization.conversion.recipe import Recipe
from toolkit.results.words import signed

# Past this share of layers in float there is little left of int8.
MOST_KEPT = 0.5


@dataclass(frozen=True)
class Trial:
    """What was tried, and the drop in points measured with it."""

    kept_float: tuple[str, ...]
    drop_points: float
    equalized: bool = False

    def __str__(self) -> str:
        what = f"{', '.join(self.kept_float)} in float" if self.kept_float else "channels made alike"
        return f"{what}: {signed(-self.drop_points)} points"


def ranked(errors: Sequence[LayerError]) -> list[LayerError]:
    """Return the layers, the one first whose int8 alone changes the probabilities most."""
    return sorted(errors, key=lambda error: error.output_error, reverse=True)


def hold_drop(
    recipe: Recipe, errors: Sequence[LayerError], drop_of: Callable[[Recipe], float], limit_points: float
) -> tuple[Recipe, tuple[Trial, ...]]:
    """Return ``recipe`` with as few layers in float as hold the drop within ``limit_points``, and all that
    was tried.

    ``drop_of`` measures a recipe. Layers are added by rank, then those are taken out again that were not
    needed: a tensor of bad range is mended only when the layers on both of its sides are float. Raises
    EdgeError with the ranking where half of the layers do not suffice.
    """
    # A softmax in float would help nothing: its output becomes int8 at once, as the file's output.
    order = [error.name for error in ranked(errors) if error.operator != "SOFTMAX"]
    trials: list[Trial] = []

    def within(kept: tuple[str, ...], equalized: bool = False) -> bool:
        drop = drop_of(replace(recipe, equalized=True) if equalized else recipe.keeping_float(kept))
        trials.append(Trial(kept, drop, equalized))
        return drop <= limit_points

    if recipe.name == "int8" and within((), equalized=True):
        return replace(recipe, equalized=True), tuple(trials)

    kept: tuple[str, ...] = ()
    for name in order[: max(1, int(MOST_KEPT * len(order)))]:
        kept = (*kept, name)
        if within(kept):
            break
    else:
        raise EdgeError(_failure(errors, trials, limit_points))
    for name in kept[:-1]:
        fewer = tuple(other for other in kept if other != name)
        if within(fewer):
            kept = fewer
    return recipe.keeping_float(kept), tuple(trials)


def _failure(errors: Sequence[LayerError], trials: Sequence[Trial], limit_points: float) -> str:
    best = min(trials, key=lambda trial: trial.drop_points)
    ranking = ", ".join(f"{error.name} {100 * error.output_error:.2f}" for error in ranked(errors)[:5])
    return (
        f"int8 loses more than {limit_points:g} points even with {len(trials[-1].kept_float)} of {len(errors)} "
        f"layers in float (best: {signed(-best.drop_points)} points); worst layers, by the change of probabilities in "
        f"percent that each alone makes: {ranking}; try `recipe=float16`, or retrain with smaller weights there"
    )
