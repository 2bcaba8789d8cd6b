"""Classes that go by numbers, and the file beside them that names them."""

from collections.abc import Collection
from pathlib import Path

from device.errors import EdgeError
from device.files import read_short
from device.labels import numbered_names
from toolkit.data.class_names import normal_class_name, ordered_classes

CLASSES_FILE = "classes.txt"


def classes_of(
    folder: Path, labels: Collection[str], what: str
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return the class that each of the ``labels`` found in ``folder`` stands for, all classes in their order, and a
    line for each label (``what``: 'folder' or 'label') that is called otherwise, or where the classes are numbers.

    EdgeError as of ``class_of_number``.
    """
    numbered = class_of_number(folder, set(labels))
    names = {label: numbered.get(label) or normal_class_name(label) for label in labels}
    notes = (*renamed_notes(set(names), what), *numbered_notes(folder, set(names.values())))
    return names, ordered_classes(names.values()), notes


def class_of_number(root: Path, labels: set[str]) -> dict[str, str]:
    """Return the names that ``root/classes.txt`` gives to classes whose labels are numbers; empty without it.

    A line a class, in the order of the numbers, or with its number before or behind it: '3 happy', 'happy: 3'; lines
    that begin with # are passed over. Raises EdgeError for a number without a name, and for a list that is neither.
    """
    names_file = root / CLASSES_FILE
    if not names_file.exists() or not all(name.isdecimal() for name in labels):
        return {}
    try:
        lines = [line.strip() for line in read_short(names_file).splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise EdgeError(f"cannot read {names_file}: {reason}; expected a line for each class") from error
    numbers = sorted(map(int, labels))
    try:
        names = numbered_names(lines) or _in_order(lines, numbers)
    except ValueError as error:
        raise EdgeError(
            f"{names_file}: {error}; expected lines such as '3 happy', or a name a line in the order of the numbers"
        ) from error
    if len(set(map(normal_class_name, names.values()))) < len(names):
        raise EdgeError(f"{names_file} names a class twice; expected a class of its own for each number")
    if missing := [number for number in numbers if number not in names]:
        raise EdgeError(
            f"{names_file} names {len(lines)} classes, and the data has {len(numbers)}: "
            f"{', '.join(map(str, numbers))}; expected a line for each number, in order, or lines such as "
            f"'{missing[0]} happy'"
        )
    return {label: normal_class_name(names[int(label)]) for label in labels}


def _in_order(lines: list[str], numbers: list[int]) -> dict[int, str]:
    """Return the names of the sorted ``numbers`` in the order of the lines; more lines count from 0 or 1 on."""
    if len(lines) == len(numbers):
        return dict(zip(numbers, lines, strict=True))
    if len(lines) > len(numbers) and numbers[0] == 0:
        return dict(enumerate(lines))
    if len(lines) > len(numbers) and numbers[-1] == len(lines):
        return dict(enumerate(lines, start=1))
    return {}


def numbered_notes(root: Path, names: set[str]) -> tuple[str, ...]:
    """Return a line that says how to name classes that are numbers."""
    if not names or not all(name.isdecimal() for name in names):
        return ()
    numbers = ", ".join(sorted(names, key=int))
    return (
        f"the classes are numbers, {numbers}; {root / CLASSES_FILE} with a line a class, in order, names them",
    )


def renamed_notes(names: set[str], what: str) -> tuple[str, ...]:
    """Return a line for each folder or label (``what``) whose class is called otherwise."""
    renamed = {name: normal_class_name(name) for name in sorted(names)}
    return tuple(f"{what} '{old}' is read as class '{new}'" for old, new in renamed.items() if old != new)
