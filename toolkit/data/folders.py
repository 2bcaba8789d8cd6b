"""Folders of images: a folder a class, under a folder a split or all in one."""

import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from device.errors import EdgeError
from device.files import read_short
from toolkit.data.broken import refuse_too_many_broken
from toolkit.data.class_names import normal_class_name, ordered_classes
from toolkit.data.dataset import FACE_SIZE, BrokenImage, Dataset
from toolkit.data.decoding import decode_all
from toolkit.data.face_store import new_face_store
from toolkit.data.image_files import IMAGE_SUFFIXES, UNREAD_SUFFIXES, DecodedFace, read_face
from toolkit.data.kept_faces import fingerprint_of, kept
from toolkit.data.stored_faces import stored
from toolkit.data.synthesis import MARK, SOURCE

SPLIT_OF_WORD = {
    "train": "train",
    "training": "train",
    "publictest": "validation",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
    "eval": "test",
}
# What people add to the name of a split's folder: training_set, train_class, test-images, data_train.
ADDED_WORDS = {"set", "data", "dataset", "class", "classes", "images", "faces", "split", "folder", "dir"}
CLASSES_FILE = "classes.txt"
KEPT_FROM = 100_000  # pictures; fewer are decoded within a minute or two
ROWS_AT_ONCE = 4096
# Detection data sets keep pictures and boxes apart: images/train/… beside labels/train/…
PICTURES_FOLDER, BOXES_FOLDERS = "images", {"labels", "annotations"}


@dataclass(frozen=True)
class ImageFile:
    """An image file and what its folders say of it."""

    path: Path
    split: str
    folder_class: str


def load_folders(root: Path, lenient: bool = False) -> Dataset:
    """Return the faces of class folders, under split folders or directly in ``root`` (then all are 'train').

    ``KEPT_FROM`` pictures or more are decoded once and kept, see ``kept``. Raises EdgeError if there is no such layout,
    no image, or, unless ``lenient``, too many broken images.
    """
    files = find_images(root)
    if len(files) < KEPT_FROM:
        dataset = decode_files(root, files, new_face_store(len(files)))
    else:
        fingerprint = fingerprint_of(root, (file.path for file in files), CLASSES_FILE)
        dataset = kept(root, fingerprint, lambda file: decode_into(file, root, files))
    if not lenient:
        good = {name: number for name, number in dataset.counts().items() if number}
        refuse_too_many_broken(dataset.broken, good, root)
    synthetic = is_marked(root, files[0].path)
    return replace(dataset, source=f"{root} ({SOURCE})" if synthetic else str(root), synthetic=synthetic)


def decode_into(file: Path, root: Path, files: list[ImageFile]) -> Dataset:
    """Return the data set of ``files``, its faces in ``file``, (N, 48, 48) uint8, without gaps for broken ones."""
    images = np.memmap(file, np.uint8, "w+", shape=(len(files), FACE_SIZE, FACE_SIZE))
    dataset = decode_files(root, files, images)
    missing = {image.name for image in dataset.broken}
    if missing:
        rows = [at for at, one in enumerate(files) if str(one.path.relative_to(root)) not in missing]
        for start in range(
            0, len(rows), ROWS_AT_ONCE
        ):  # a face only moves forward, to where none is left to read
            part = rows[start : start + ROWS_AT_ONCE]
            images[start : start + len(part)] = images[part]
    images.flush()
    os.truncate(file, len(dataset) * FACE_SIZE * FACE_SIZE)
    return dataset


def decode_files(root: Path, files: list[ImageFile], images: np.ndarray) -> Dataset:
    """Decode each of ``files`` into its row of ``images``; the data set has the rows that are not broken."""
    formats = [""] * len(files)

    def keep(position: int, decoded: DecodedFace) -> None:
        images[position] = decoded.face
        formats[position] = "{}x{} {}".format(*decoded.size_wh, decoded.mode)

    problems = decode_all(len(files), lambda position: read_face(files[position].path), keep)
    numbered = class_of_number(root, {file.folder_class for file in files})
    names = [numbered.get(file.folder_class) or normal_class_name(file.folder_class) for file in files]
    good = np.ones(len(files), dtype=bool)
    good[[position for position, _ in problems]] = False
    classes = ordered_classes(names)
    number = {name: label for label, name in enumerate(classes)}
    whole = Dataset(
        images=stored(images),
        labels=np.array([number[name] for name in names], dtype=np.int64),
        classes=classes,
        splits=np.array([file.split for file in files]),
        names=np.array([str(file.path.relative_to(root)) for file in files]),
        broken=tuple(
            BrokenImage(str(files[position].path.relative_to(root)), names[position], reason)
            for position, reason in problems
        ),
        formats=dict(Counter(filter(None, formats)).most_common()),
        notes=(
            *renamed_notes({file.folder_class for file in files}, "folder"),
            *numbered_notes(root, set(names)),
            *unread_notes(root, files),
        ),
    )
    return whole if good.all() else whole.select(good)


def is_marked(root: Path, image: Path) -> bool:
    """Return whether a folder from ``root`` down to ``image``, or the one that ``root`` is a split of, has the mark of
    synthetic faces."""
    folders = [root, *(folder for folder in image.parents if root in folder.parents)]
    if split_of(root.resolve().name):
        folders.append(root.resolve().parent)
    return any((folder / MARK).is_file() for folder in folders)


def find_images(root: Path) -> list[ImageFile]:
    """Return the image files under ``root`` in the order of their names; EdgeError if the layout is another."""
    folders = subfolders(root)
    splits = [folder for folder in folders if split_of(folder.name)]
    for place in (root, *splits):
        named = {folder.name.lower() for folder in subfolders(place)}
        if PICTURES_FOLDER in named and BOXES_FOLDERS & named:
            raise EdgeError(
                f"{place} is a data set for detection: its {PICTURES_FOLDER}/ stand apart from their labels, which "
                "give boxes; expected a folder for each class: sort the cut-out faces into folders by class"
            )
    if splits:
        files = [
            ImageFile(path, split_of(split.name), folder.name)
            for split in splits
            for folder in subfolders(split)
            for path in images_under(folder)
        ]
    elif len(folders) == 1 and subfolders(folders[0]):
        return find_images(folders[0])  # an archive unpacked into a folder of its own
    else:
        files = [ImageFile(path, "train", folder.name) for folder in folders for path in images_under(folder)]
    if not files:
        raise EdgeError(
            f"{root} holds {describe(root)}; expected train/ validation/ test/ with a folder of "
            "PNG, JPEG, BMP, WebP, TIFF or GIF images for each class, or a folder for each class alone"
        )
    return files


def split_of(folder_name: str) -> str:
    """Return the split that a folder's name stands for, such as 'train' for 'training_set', or ''."""
    words = [word for word in re.split(r"[\W_]+", folder_name.lower()) if word not in ADDED_WORDS]
    return SPLIT_OF_WORD.get(words[0], "") if len(words) == 1 else ""


def class_of_number(root: Path, folder_classes: set[str]) -> dict[str, str]:
    """Return the names that ``root/classes.txt`` gives to classes whose folders are numbers; empty without it.

    A line a class, in the order of the numbers. Raises EdgeError unless there are as many lines as numbers.
    """
    names_file = root / CLASSES_FILE
    if not names_file.exists() or not all(name.isdecimal() for name in folder_classes):
        return {}
    try:
        lines = read_short(names_file).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise EdgeError(f"cannot read {names_file}: {reason}; expected a line for each class") from error
    names = [normal_class_name(line) for line in lines if line.strip()]
    numbers = sorted(folder_classes, key=int)
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


def unread_notes(root: Path, files: list[ImageFile]) -> tuple[str, ...]:
    """Return a line for each class folder without a picture, and for what stands beside the splits."""
    folders = subfolders(root)
    splits = [folder for folder in folders if split_of(folder.name)]
    if not splits and len(folders) == 1 and subfolders(folders[0]):
        return unread_notes(folders[0], files)
    filled = {parent for file in files for parent in file.path.parents}
    lines = [
        f"folder '{folder.relative_to(root)}' holds no picture that can be read and is left out"
        for parent in (splits or [root])
        for folder in subfolders(parent)
        if folder not in filled
    ]
    if splits:
        beside = [folder.name for folder in folders if folder not in splits]
        lines += [f"folder '{name}' stands beside the splits and is left out" for name in beside]
        renamed = {folder.name: split_of(folder.name) for folder in splits}
        lines += [
            f"folder '{name}' is read as the split '{split}'"
            for name, split in renamed.items()
            if name.lower() not in (split, "val", "valid")
        ]
    return tuple(lines)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in ``folder`` by name, without hidden ones and archive leftovers."""
    return sorted(
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__MACOSX"))
    )


def images_under(folder: Path) -> list[Path]:
    """Return the image files in ``folder`` at any depth, by name, without hidden ones; OSError if one is unreadable."""

    def refuse(error: OSError) -> NoReturn:
        raise error

    found = []
    for base, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        found += [
            Path(base, name)
            for name in sorted(names)
            if name.lower().endswith((*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)) and not name.startswith(".")
        ]
    return found


def describe(root: Path) -> str:
    """Return in a few words what is in a folder that holds no data set."""
    entries = sorted(entry.name for entry in root.iterdir())
    if not entries:
        return "nothing"
    if images_under(root):
        return "images but no folder for each class"
    return "no images, only " + ", ".join(entries[:4]) + (" ..." if len(entries) > 4 else "")


def renamed_notes(names: set[str], what: str) -> tuple[str, ...]:
    """Return a line for each folder or label (``what``) whose class is called otherwise."""
    renamed = {name: normal_class_name(name) for name in sorted(names)}
    return tuple(f"{what} '{old}' is read as class '{new}'" for old, new in renamed.items() if old != new)
