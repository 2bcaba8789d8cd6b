"""The names of a model's outputs: what they may be, and as ``--labels`` takes them everywhere."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from device.errors import EdgeError, UsageError
from device.files import read_short
from device.text import printable

# A number and a name, or a name and a number.
BESIDE = re.compile(r"(\d{1,9})[\s:,;.=)]+(.*\S)|(.*[^\s:,;=])[\s:,;=]+(\d{1,9})")
SIGN = re.compile(r"[:,;=]\s*\d+$")
MOST_BYTES = 1 << 20  # of a file of labels
LONGEST_LABEL = 100


def is_label(text: str) -> bool:
    """Return whether a class may be called so: a printable line of LONGEST_LABEL characters at most, not blank."""
    return bool(text.strip()) and len(text) <= LONGEST_LABEL and text.isprintable()


def checked_labels(labels: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return ``labels``, of the file ``name``; EdgeError unless each is unique and a line of 1 to 100 letters."""
    for number, label in enumerate(labels, 1):
        if not is_label(label):
            raise EdgeError(
                f"{name}: label {number} is '{printable(label, 60)}'; expected 1 to {LONGEST_LABEL} "
                "printable characters; pass `labels`, or quantize the model again"
            )
    if len(set(labels)) < len(labels):
        twice = Counter(labels).most_common(1)[0][0]
        raise EdgeError(f"{name}: the label '{twice}' stands there twice; pass `labels` with different names")
    return labels


def numbered_names(lines: Sequence[str]) -> dict[int, str]:
    """Return the names of a list by the numbers beside them, '3 happy' or 'happy: 3'; empty for a list without numbers.

    'happy 3' is read as a number only if every line has one and no name repeats: in a list of 'level 1' and 'level 2'
    the numbers belong to the names. Where most lines have a number, ValueError names the line that has none, or that
    repeats a number or a name.

    >>> numbered_names(["1 happy", "0 sad"])
    {1: 'happy', 0: 'sad'}
    """
    found = [BESIDE.fullmatch(line) for line in lines]
    told = sum(match is not None and (match[1] or SIGN.search(match[0])) is not None for match in found)
    behind = {match[3] for match in found if match and match[3]}
    if 2 * told <= len(lines) and (told or len(lines) == 1 or len(behind) < len(lines)):
        return {}
    named: dict[int, str] = {}
    for line, match in zip(lines, found, strict=True):
        if match is None:
            raise ValueError(f"'{line[:40]}' has no number, other lines have one")
        number, name = int(match[1] or match[4]), match[2] or match[3]
        if number in named or name in named.values():
            raise ValueError(
                f"'{line[:40]}' repeats {'the number' if number in named else 'the name'} of another line"
            )
        named[number] = name
    return named


def labels_from(given: str | Path | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the labels of ``--labels``: a file with one a line, in order or each with its number, or names with commas
    between; those given one by one, and None, as they are.

    The file may be JSON too: ``{"happy": 0, …}``, as Keras' class_indices are written, ``{"0": "happy", …}`` or a list.
    Raises EdgeError for a file that is not there or no UTF-8, UsageError where no label is left.

    >>> labels_from("cat, dog")
    ('cat', 'dog')
    """
    if given is None:
        return None
    if not isinstance(given, str | Path):
        return tuple(given)
    text = str(given)
    if os.path.isfile(text):
        labels = _of_file(text)
    elif "," not in text and (Path(text).suffix or len(Path(text).parts) > 1):
        raise EdgeError(
            f"`labels` {text}: no such file; expected one label a line, or names with commas between"
        )
    else:
        labels = _names(text.split(","))
    if not labels:
        raise UsageError(
            f"`labels` {text} names no label; expected names with commas between, or a file of lines"
        )
    return labels


def _of_file(path: str) -> tuple[str, ...]:
    try:
        content = read_short(path, MOST_BYTES)
    except OSError as error:
        raise EdgeError(f"`labels` {path}: {error.strerror}; expected one label a line") from error
    except UnicodeDecodeError as error:
        raise EdgeError(f"`labels` {path} is no text in UTF-8; expected one label a line") from error
    if Path(path).suffix.lower() == ".json" or content.lstrip().startswith("{"):
        return _of_json(path, content)
    return _in_order_of_numbers(path, _names(content.splitlines()))


def _names(written: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in written if name.strip())


def _in_order_of_numbers(text: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a list in the order of their numbers, those of a list without numbers as they stand."""
    try:
        named = numbered_names(lines)
    except ValueError as error:
        raise UsageError(
            f"`labels` {text}: {error}; expected lines such as '3 happy', or names alone"
        ) from error
    return _in_order(text, named) if named else lines


def _in_order(text: str, named: dict[int, str]) -> tuple[str, ...]:
    if sorted(named) not in (list(range(len(named))), list(range(1, len(named) + 1))):
        raise UsageError(
            f"`labels` {text}: expected the numbers from 0 to {len(named) - 1}; received {sorted(named)}"
        )
    return tuple(named[number] for number in sorted(named))


def _of_json(text: str, content: str) -> tuple[str, ...]:
    """Return the names of a list or of an object of names and numbers, either of which may be the key."""
    try:
        found = json.loads(content)
        if isinstance(found, dict):
            pairs = [(name, key) if key.isdecimal() else (key, name) for key, name in found.items()]
            found = _in_order(text, {int(number): name.strip() for name, number in pairs})
        return _names(found)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f'`labels` {text} is JSON, but no names with numbers; expected {{"angry": 0, "happy": 1}}, or one label a '
            "line"
        ) from error
