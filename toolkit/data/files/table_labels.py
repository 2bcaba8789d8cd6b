"""Labels as tables and lists have them, names or numbers, and the classes that they stand for."""

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES, FERPLUS_CLASSES, normal_class_name, ordered_classes
from toolkit.data.files.class_numbers import CLASSES_FILE, class_of_number
from toolkit.data.files.split_names import SPLIT_OF_WORD

# Names before the numbers beside them; Label Studio calls them choice.
LABEL_COLUMNS = ("class_name", "label_name", "emotion_name", "emotion", "label", "class", "expression", "emotions",
                 "labels", "target", "category", "choice", "emotion_label", "class_id", "y")  # fmt: skip
ROWS_LOOKED_AT = 100  # of a table, for what its columns hold
USAGE_COLUMNS = ("usage", "split", "set", "subset", "partition", "phase")


def column_named(names: list[str], wanted: tuple[str, ...]) -> int | None:
    """Return the position of the first of ``wanted`` among a header's ``names``, 'image name' for image_name too, or
    None."""
    spelled = [name.replace(" ", "_") for name in names]
    return next((spelled.index(name) for name in wanted if name in spelled), None)


def usage_column(names: list[str], rows: Sequence[list[str]], taken: set[int | None]) -> int | None:
    """Return the position of the column that tells splits, by its name among a header's ``names``; else of the one
    column but those ``taken`` in which all of the first ``rows`` have words of splits, 'train' among them; or None.

    One cell tells nothing: an annotator may be called Val.
    """
    named = column_named(names, USAGE_COLUMNS)
    if named is not None:
        return named
    told = []
    for at in set(range(len(names))) - taken:
        splits = {SPLIT_OF_WORD.get(row[at].strip().lower()) if at < len(row) else None for row in rows}
        if "train" in splits and None not in splits:
            told.append(at)
    return told[0] if len(told) == 1 else None


def checked_label(value: object, where: str) -> str:
    """Return what ``label_text`` does of a ``value`` found at ``where``; EdgeError where there is no label."""
    label = label_text(value)
    if not label:
        raise EdgeError(
            f"{where}: expected a label, a number from 0 or a name in UTF-8; received '{str(value)[:20]}'; correct or "
            "remove it, or leave out a split without labels"
        )
    return label


def label_text(value: object) -> str:
    """Return the label that a number (3, 3.0), a name or text of either stands for; '' for none, such as -1, or for
    text that was no UTF-8."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return "" if "\ufffd" in text else text
    return str(int(number)) if number.is_integer() and number >= 0 else ""


class Labels:
    """The labels of rows as they are read: each text has a code, and a class once all are known."""

    def __init__(self) -> None:
        self.kept = array("q")
        self._codes: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def code(self, text: str, where: str) -> int:
        """Return the code of a label, first seen at ``where``; EdgeError for an invalid one, such as -1 or ''."""
        label = checked_label(text, where)
        self._first.setdefault(label, where)
        return self._codes.setdefault(label, len(self._codes))

    def keep(self, code: int) -> None:
        """Add the label of a row that has a face."""
        self.kept.append(code)

    def resolved(self, folder: Path) -> tuple[list[str], tuple[str, ...]]:
        """Return the class of each code, and all classes in their order.

        Numbers are positions in FERPLUS_CLASSES, or named by ``folder``'s classes.txt; where they all are FER2013's,
        those are the classes. Raises EdgeError for a number past the order, or for a name among numbers that is none
        of it.
        """
        order = FERPLUS_CLASSES
        numbered = class_of_number(folder, set(self._codes))
        numbers = any(label.isdecimal() for label in self._codes)
        names = []
        for label in self._codes:
            name = numbered.get(label) or normal_class_name(label)
            if label.isdecimal() and not numbered:
                name = order[int(label)] if int(label) < len(order) else ""
            if not name or (numbers and not numbered and name not in order):
                raise EdgeError(
                    f"{self._first[label]}: expected an emotion from 0 to {len(order) - 1} ({', '.join(order)}); "
                    f"received '{label[:20]}'; correct or remove the row, or name the classes in "
                    f"{folder / CLASSES_FILE}, a line a class in the order of their numbers"
                )
            names.append(name)
        if numbered or not numbers:
            return names, ordered_classes(names)
        self._refuse_from_1(folder)
        return names, FER2013_CLASSES if set(names) <= set(FER2013_CLASSES) else order

    def _refuse_from_1(self, folder: Path) -> None:
        """Raise EdgeError where the numbers run from 1 to as many as FER2013 has classes."""
        usual = len(FER2013_CLASSES)
        if set(self._codes) == {str(number) for number in range(1, usual + 1)}:
            raise EdgeError(
                f"{self._first['1']}: the labels run from 1 to {usual}, those of fer2013.csv from 0; name the classes "
                f"in {folder / CLASSES_FILE}, a line a class in the order of their numbers"
            )

    def notes(self, folder: Path) -> tuple[str, ...]:
        """Return a line where few numbers, all but 0, or one more than FER2013 has are read in FER2013's order, which
        they may not be meant in."""
        numbers = sorted({int(label) for label in self._codes if label.isdecimal()})
        usual = len(numbers) > 4 and numbers[0] == 0 and numbers[-1] < len(FER2013_CLASSES)
        if not numbers or usual or class_of_number(folder, set(self._codes)):
            return ()
        read = ", ".join(f"{number} {FERPLUS_CLASSES[number]}" for number in numbers)
        return (
            f"the labels are numbers, read in FER2013's order: {read}; {folder / CLASSES_FILE} with a line a class, "
            "in order, names them otherwise",
        )

    def indices(self, names: list[str], classes: tuple[str, ...]) -> np.ndarray:
        """Return the kept labels, (N,) int64, as positions in ``classes``; ``names``: as ``resolved`` gives them."""
        position = np.array([classes.index(name) for name in names], dtype=np.int64)
        return position[np.frombuffer(self.kept, np.int64)] if len(self.kept) else np.zeros(0, np.int64)
