"""What is said of the folders of a data set: which hold nothing that is read, which are taken for splits or classes."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from device.media_suffixes import FILM_SUFFIXES
from device.text import a_few, counted
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.files.image_files import holds_image
from toolkit.data.files.split_names import split_of
from toolkit.data.files.walk import files_under, subfolders
from toolkit.data.folders.layout import (
    ImageFile,
    class_places,
    only_folder,
    splits_among,
    splits_in_classes,
    told_together,
)

NUMBERED_CLASSES = ("", "class", "emotion", "expression", "label", "level")  # words before numbers of classes
USUAL_SPLIT_NAMES = ("val", "valid")  # whose folders need no line, as those called by the splits' own names


def layout_notes(root: Path, files: list[ImageFile]) -> tuple[str, ...]:
    """Return a line for each class folder without a picture, and for what else is left out or read as a split."""
    folders = subfolders(root)
    splits = splits_among(folders)
    if not splits and (only := only_folder(folders)):
        return (*_loose_pictures([root]), *layout_notes(only, files))
    places = class_places(root)
    return (
        *_classes_without_pictures(root, places, files),
        *_loose_pictures([root, *splits, *places]),
        *_films(root, places),
        *dict.fromkeys(filter(None, (_alike_note(place) or _numbered_note(place) for place in places))),
        *_classes_that_tell_splits(places),
        *_pictures_beside_splits(root, places),
        *_folders_beside_splits(folders, splits),
    )


def _classes_without_pictures(root: Path, places: list[Path], files: list[ImageFile]) -> Iterator[str]:
    filled = {parent for file in files for parent in file.path.parents}
    for folder in chain.from_iterable(map(subfolders, places)):
        if folder not in filled:
            loose = any(map(holds_image, _files_in(folder)))
            held = "pictures without a class" if loose else "no picture that can be read"
            yield f"folder '{folder.relative_to(root)}' holds {held} and is left out"


def _loose_pictures(places: Iterable[Path]) -> Iterator[str]:
    """Yield a line for each of ``places``, the first of which holds the others, with pictures right in it."""
    first, *_ = places = dict.fromkeys(places)
    for place in places:
        if count := sum(map(holds_image, _files_in(place))):
            shown = place.relative_to(first.parent)
            yield f"{counted(count, 'picture')} right in '{shown}', in no class's folder, left out"


def _films(root: Path, places: list[Path]) -> Iterator[str]:
    films = [path for place in places for path in files_under(place) if path.suffix.lower() in FILM_SUFFIXES]
    if films:
        shown = films[0].relative_to(root)
        yield f"{counted(len(films), 'film')} among the pictures left out, such as {shown}"


def _classes_that_tell_splits(places: list[Path]) -> Iterator[str]:
    for place in places:
        for folder, (name, split) in told_together(subfolders(place)).items():
            yield f"folder '{folder.name}' is read as class '{name}' of the split '{split}'"


def _pictures_beside_splits(root: Path, places: list[Path]) -> Iterator[str]:
    """Yield a line for what stands beside the folders of splits in a class: folders, then pictures."""
    inner = splits_in_classes([folder for place in places for folder in subfolders(place)])
    classes = list(dict.fromkeys(part.parent for part in inner))
    for part in chain.from_iterable(map(subfolders, classes)):
        if part not in inner:
            shown = part.relative_to(root)
            yield f"folder '{shown}' stands beside folders of splits and is read as 'train'"
    for folder in classes:
        if count := sum(map(holds_image, _files_in(folder))):
            shown = folder.relative_to(root)
            yield f"{counted(count, 'picture')} right in '{shown}', beside folders of splits, read as 'train'"


def _folders_beside_splits(folders: list[Path], splits: dict[Path, str]) -> Iterator[str]:
    for folder in folders:
        if splits and folder not in splits:
            yield f"folder '{folder.name}' stands beside the splits and is left out"
    for folder, split in splits.items():
        if folder.name.lower() not in (split, *USUAL_SPLIT_NAMES):
            yield f"folder '{folder.name}' is read as the split '{split}'"


def _alike_note(place: Path) -> str:
    """Return a line where every class of ``place`` holds folders of the same names, which may be the classes, or ''."""
    inside = {folder.name: {inner.name for inner in subfolders(folder)} for folder in subfolders(place)}
    alike = sorted(set.intersection(*inside.values())) if len(inside) > 1 else []
    known = {normal_class_name(name) for name in inside} <= set(FERPLUS_CLASSES)
    if len(alike) < 2 or known or all(map(split_of, alike)):
        return ""
    return (
        f"{', '.join(list(inside)[:4])} are read as classes, and each holds the folders {', '.join(alike[:4])}; if "
        "those are the classes, put the pictures of each together, under train, validation and test or not"
    )


def _numbered_note(place: Path) -> str:
    """Return a line where the classes of ``place`` differ by a number alone, Actor_01 and Actor_02, or ''."""
    names = [folder.name for folder in subfolders(place)]
    words = {re.sub(r"\d+", "", name) for name in names}
    word = re.sub(r"[\W_]", "", words.pop()).lower() if len(names) > 1 and len(words) == 1 else ""
    if word in NUMBERED_CLASSES:
        return ""
    return f"{a_few(names)} are read as classes; if those are persons or films, put the pictures of each class together"


def _files_in(folder: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if not entry.is_dir())
