"""What a folder holds in which no data set is found, in words."""

import shlex
from pathlib import Path

from device.media_suffixes import FILM_SUFFIXES
from toolkit.data.files.foreign_kinds import why_no_data
from toolkit.data.files.walk import LEFTOVERS, files_under, images_under

# What tools for labelling write beside pictures: COCO, Pascal VOC, CVAT, LabelMe, VIA.
LABELS_SUFFIXES = (".json", ".xml")


def contents_in_words(root: Path) -> str:
    """Return in a few words what is in a folder that holds no data set."""
    entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith(LEFTOVERS))
    if not entries:
        return "nothing"
    if next(images_under(root), None):
        beside = unread_labels(root)
        return "images but no folder for each class" + (f", and {beside}" if beside else "")
    if film := next((path for path in files_under(root) if path.suffix.lower() in FILM_SUFFIXES), None):
        return (
            f"no images, but films, such as {film.relative_to(root)}; store pictures of each with 'device run --source "
            f"{shlex.quote(film.name)} --save-frames {shlex.quote(f'PICTURES/CLASS/{film.stem}')}', then cut the faces "
            "out with 'toolkit data crop PICTURES --out FACES'"
        )
    # JSON tells of the files beside it as often as it is the data.
    for path in sorted(files_under(root), key=lambda path: path.suffix.lower() in LABELS_SUFFIXES):
        if why := why_no_data(path):
            return f"no images, and {path.relative_to(root)} {why}"
    names = ", ".join(entry.name for entry in entries[:4])
    return f"no images, only {names}" + (" ..." if len(entries) > 4 else "")


def unread_labels(root: Path) -> str:
    """Return that the first JSON or XML under ``root``, which may hold the labels, is not read; '' without one."""
    found = next((path for path in files_under(root) if path.suffix.lower() in LABELS_SUFFIXES), None)
    return f"{found.relative_to(root)}, from which no label is read" if found else ""
