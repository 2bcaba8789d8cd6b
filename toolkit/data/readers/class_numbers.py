"""Classes that go by numbers, and the file beside them that names them."""

from pathlib import Path

from device.errors import EdgeError
from device.files import read_short
from toolkit.data.class_names import normal_class_name

CLASSES_FILE = "classes.txt"


def class_of_number(root: Path, labels: set[str]) -> dict[str, str]:
    """Return the names that ``root/classes.txt`` gives to classes whose labels are numbers; empty without it.

    A line a class, in the order of the numbers. Raises EdgeError unless there are as many lines as numbers.
    """
    names_file = root / CLASSES_FILE
    if not names_file.exists() or not all(name.isdecimal() for name in labels):
        return {}
    try:
        lines = read_short(names_file).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise EdgeError(f"cannot read {names_file}: {reason}; expected a line for each class") from error
    names = [normal_class_name(line) for line in lines if line.strip()]
    numbers = sorted(labels, key=int)
    if len(names) != len(numbers):
        raise EdgeError(
            f"{names_file} names {len(names)} classes, the folders are {len(numbers)}: {', '.join(numbers)}; "
            "expected a line for each number, in order"
        )
    return dict(zip(numbers, names, strict=True))


def numbered_notes(root: Path, names: set[str]) -> tuple[str, ...]:
    """Return a line that says how to name classes that are numbers."""
    if not names or not all(name.isdecimal() for name in names):
        return ()
    numbers = ", ".join(sorted(names, key=int))
    return (
        f"the classes are numbers, {numbers}; {root / CLASSES_FILE} with a line a class, in order, names them",
    )
