"""How much of its accuracy a model keeps on corrupted faces, as results hold it."""

from dataclasses import asdict, dataclass
from typing import Any

from toolkit.results.metrics import refuse_no_interval


@dataclass(frozen=True)
class CorruptedAccuracy:
    """One corruption at one strength. ``kept`` is the accuracy over that on the same faces uncorrupted; intervals at
    95 %: Wilson's of the accuracy."""

    corruption: str
    strength: str
    correct_n: int
    accuracy: float
    interval: tuple[float, float]
    kept: float

    def __post_init__(self) -> None:
        refuse_no_interval(self.interval, 0, 1)


@dataclass(frozen=True)
class Robustness:
    """A model on n faces under every corruption. ``mean_kept`` is the plain mean of all ``kept``.

    Its interval is the 95 % percentile bootstrap over faces (Efron 1979), all conditions of a face drawn together.
    """

    n: int
    seed: int
    clean_accuracy: float
    clean_interval: tuple[float, float]
    conditions: tuple[CorruptedAccuracy, ...]
    mean_kept: float
    mean_kept_interval: tuple[float, float]

    def __post_init__(self) -> None:
        refuse_no_interval(self.clean_interval, 0, 1)

    def by_corruption(self) -> dict[str, list[CorruptedAccuracy]]:
        """Return the conditions of each corruption, from weak to strong."""
        found: dict[str, list[CorruptedAccuracy]] = {}
        for condition in self.conditions:
            found.setdefault(condition.corruption, []).append(condition)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers."""
        return asdict(self)
