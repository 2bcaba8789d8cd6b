"""When broken images are a remark and when they are the end: fatal above 1 % of a class."""

from collections import Counter
from collections.abc import Sequence

from device.errors import EdgeError
from device.text import printable
from toolkit.data.dataset import BrokenImage

TOLERATED_SHARE = 0.01
MOST_BROKEN = 100_000  # what is told of each is kept


def refuse_too_many_broken(broken: Sequence[BrokenImage], good: dict[str, int], source: object) -> None:
    """Raise EdgeError if over 1 % of a class is broken; ``good`` counts the other images by class."""
    for label, number in Counter(image.label for image in broken).items():
        total = number + good.get(label, 0)
        if number > TOLERATED_SHARE * total:
            first = next(image for image in broken if image.label == label)
            raise EdgeError(
                f"{source}: {number} of {total} images of class '{label}' are broken, "
                f"over {TOLERATED_SHARE:.0%}; the first is {printable(first.name, 100)}: {first.reason}; "
                "repair or remove them"
            )


def refuse_endless(path: object, count: int, where: str, reason: str) -> None:
    """Raise EdgeError where over MOST_BROKEN pictures of ``path`` are broken, the last at ``where`` for ``reason``."""
    if count > MOST_BROKEN:
        raise EdgeError(f"{path} has over {MOST_BROKEN:,} rows without a face; {where}: {reason}")
