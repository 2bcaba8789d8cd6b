"""Files that hold the label of one picture each, as AffectNet and CK+ are published."""

from collections.abc import Iterator
from pathlib import Path

from device.errors import EdgeError
from device.files import read_short
from device.text import one_line
from toolkit.array_files import load_array
from toolkit.data.class_names import PUBLISHED_ORDERS
from toolkit.data.files.split_names import split_told
from toolkit.data.files.walk import files_under
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.layout import ImageFile

# What such a file is called after its picture, and the data set in whose order its number stands.
# AffectNet: train_set/images/1.jpg beside train_set/annotations/1_exp.npy. CK+, by its ReadMe: of the pictures in
# cohn-kanade-images/S005/001 the last one has its number in Emotion/S005/001, in 327 of 593 such folders.
ENDINGS = {"_exp.npy": "AffectNet", "_emotion.txt": "CK+"}


def file_labelled_images(pictures: Pictures) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return those of ``pictures`` that a file of their own labels, and what to say of it; nothing without one.

    A number past the data set's order is no expression. Raises EdgeError for a damaged file.
    """
    for ending, data_set in ENDINGS.items():
        files = sorted(_labelled(pictures, ending, PUBLISHED_ORDERS[data_set]), key=lambda file: file.path)
        if files:
            said = f"the labels are read from files that end in {ending}, in {data_set}'s order"
            return files, (said, *pictures.left_out(file.path for file in files))
    return [], ()


def _labelled(pictures: Pictures, ending: str, order: tuple[str, ...]) -> Iterator[ImageFile]:
    files = files_under(pictures.root) if pictures.paths else ()
    for file in sorted(file for file in files if file.name.endswith(ending)):
        picture = pictures.named(file.name.removesuffix(ending), file.parent.parent / "images")
        number = _number(file)
        if picture in pictures.paths and 0 <= number < len(order):
            split = split_told(file.relative_to(pictures.root).parent) or "train"
            yield ImageFile(picture, split, order[number])


def _number(file: Path) -> int:
    try:
        text = str(load_array(file)) if file.suffix == ".npy" else read_short(file)
        return int(float(text))
    except (OSError, ValueError, OverflowError) as error:
        raise EdgeError(
            f"cannot read {file}: {one_line(error, 100)}; expected a number of an expression"
        ) from error
