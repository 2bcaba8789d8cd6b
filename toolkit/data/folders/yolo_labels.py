"""Faces in the layout of YOLO's data sets for detection, AffectNet's among them: images/ beside labels/, where a file
a picture has a line a box, 'class x y width height' in shares of the picture, and data.yaml names the classes."""

import math
from collections.abc import Iterator
from pathlib import Path

import yaml

from device.errors import EdgeError
from device.files import read_short
from toolkit.data.files.split_names import split_told
from toolkit.data.files.walk import subfolders
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.layout import PICTURES_FOLDER, ImageFile

LABELS_FOLDER = "labels"
FILLS = 0.5  # of a picture's width and height, from which on a box is the face that the picture was cut to
BOX_NUMBERS = 5


def boxed_images(pictures: Pictures) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return those of ``pictures`` that a file of one box labels, and what to say of it; nothing without such files.

    Raises EdgeError for a damaged file, and where a picture shows several faces or one that does not fill it: those
    are to be cut out first.
    """
    boxes = {path: beside for path in sorted(pictures.paths) if (beside := _labels_of(pictures.root, path))}
    if not boxes:
        return [], ()
    names = _class_names(pictures.root)
    files = []
    for path, beside in boxes.items():
        for number in _filled_by(beside):
            if names and number not in names:
                known = ", ".join(map(str, sorted(names)))
                raise EdgeError(f"{beside} names the class {number}; data.yaml has {known}")
            split = split_told(path.relative_to(pictures.root).parent) or "train"
            files.append(ImageFile(path, split, names[number] if names else str(number)))
    said = f"the labels are read from the boxes in {LABELS_FOLDER}/, which fill their pictures"
    return files, (said, *pictures.left_out(file.path for file in files))


def _labels_of(root: Path, picture: Path) -> Path | None:
    """Return the file of a picture's boxes: that under labels/ which stands as the picture does under images/."""
    parts = list(picture.relative_to(root).with_suffix(".txt").parts)
    at = [number for number, name in enumerate(parts) if name.lower() == PICTURES_FOLDER]
    if not at:
        return None
    parts[at[-1]] = LABELS_FOLDER
    beside = root.joinpath(*parts)
    return beside if beside.is_file() else None


def _filled_by(file: Path) -> Iterator[int]:
    """Yield the class of the one box in ``file``; nothing where there is none, a picture without a face."""
    try:
        lines = [line.split() for line in read_short(file).splitlines() if line.strip()]
        found = [(int(line[0]), [float(word) for word in line[1:]]) for line in lines]
    except (OSError, ValueError) as error:
        raise EdgeError(
            f"cannot read {file}: {error}; expected lines of class, x, y, width, height"
        ) from error
    for number, box in found:
        if len(box) + 1 != BOX_NUMBERS or number < 0 or not all(map(math.isfinite, box)):
            raise EdgeError(
                f"{file} holds no box; expected class, x, y, width, height in shares of the picture"
            )
        if len(found) > 1 or min(box[2:]) < FILLS:
            raise EdgeError(
                f"{file} has {len(found)} boxes, the first {box[2]:.2f} by {box[3]:.2f} of its picture, as a data set "
                f"for detection; expected one, of {FILLS} by {FILLS} at least, or a folder for each class with the "
                "faces that are cut out by their boxes"
            )
        yield number


def _class_names(root: Path) -> dict[int, str]:
    """Return the names in the data.yaml of ``root`` or of a folder in it, by their numbers; none without one."""
    for place in (root, *subfolders(root)):
        for file in sorted(place.glob("*.y*ml")):
            try:
                # Texts, lists and mappings alone: no tag makes anything of them.
                told = yaml.load(read_short(file), yaml.BaseLoader)
            except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
                said = " ".join(str(error).split())[:100]
                raise EdgeError(f"cannot read {file}: {said}; expected the names of the classes") from error
            names = told.get("names") if isinstance(told, dict) else None
            if isinstance(names, list):
                names = {str(number): name for number, name in enumerate(names)}
            if isinstance(names, dict) and names:
                if not all(isinstance(name, str) for name in names.values()):
                    raise EdgeError(f"{file}: expected a name for each class; received a list or a mapping")
                return {int(number): name for number, name in names.items() if number.isdecimal()}
    return {}
