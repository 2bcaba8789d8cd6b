"""Folders of images: a folder a class, under a folder a split or all in one."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from device.errors import EdgeError
from toolkit.data.broken import refuse_too_many_broken
from toolkit.data.class_names import normal_class_name, ordered_classes
from toolkit.data.dataset import BrokenImage, Dataset
from toolkit.data.decoding import decode_files
from toolkit.data.face_store import new_face_store
from toolkit.data.image_files import IMAGE_SUFFIXES, DecodedFace
from toolkit.data.stored_faces import stored
from toolkit.data.synthesis import MARK, SOURCE

SPLIT_OF_FOLDER = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class ImageFile:
    """An image file and what its folders say of it."""

    path: Path
    split: str
    folder_class: str


def load_folders(root: Path, lenient: bool = False) -> Dataset:
    """Return the faces of class folders, under split folders or directly in ``root`` (then all are 'train').

    Raises EdgeError if there is no such layout, no image, or, unless ``lenient``, too many broken images.
    """
    files = find_images(root)
    images = new_face_store(len(files))
    formats = [""] * len(files)

    def keep(position: int, decoded: DecodedFace) -> None:
        images[position] = decoded.face
        formats[position] = "{}x{} {}".format(*decoded.size_wh, decoded.mode)

    problems = decode_files([file.path for file in files], keep)
    names = [normal_class_name(file.folder_class) for file in files]
    broken = tuple(
        BrokenImage(str(files[position].path.relative_to(root)), names[position], reason)
        for position, reason in problems
    )
    good = np.ones(len(files), dtype=bool)
    good[[position for position, _ in problems]] = False
    if not lenient:
        refuse_too_many_broken(broken, Counter(np.array(names)[good].tolist()), root)
    classes = ordered_classes(names)
    synthetic = is_marked(root, files[0].path)
    number = {name: label for label, name in enumerate(classes)}
    whole = Dataset(
        images=stored(images),
        labels=np.array([number[name] for name in names], dtype=np.int64),
        classes=classes,
        splits=np.array([file.split for file in files]),
        names=np.array([str(file.path.relative_to(root)) for file in files]),
        broken=broken,
        formats=dict(Counter(filter(None, formats)).most_common()),
        notes=renamed_notes({file.folder_class for file in files}),
        source=f"{root} ({SOURCE})" if synthetic else str(root),
        synthetic=synthetic,
    )
    return whole if good.all() else whole.select(good)


def is_marked(root: Path, image: Path) -> bool:
    """Return whether a folder from ``root`` down to ``image``, or the one that ``root`` is a split of, has the mark of
    synthetic faces."""
    folders = [root, *(folder for folder in image.parents if root in folder.parents)]
    if root.resolve().name.lower() in SPLIT_OF_FOLDER:
        folders.append(root.resolve().parent)
    return any((folder / MARK).is_file() for folder in folders)


def find_images(root: Path) -> list[ImageFile]:
    """Return the image files under ``root`` in the order of their names; EdgeError if the layout is another."""
    folders = subfolders(root)
    splits = [folder for folder in folders if folder.name.lower() in SPLIT_OF_FOLDER]
    if splits:
        files = [
            ImageFile(path, SPLIT_OF_FOLDER[split.name.lower()], folder.name)
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
            "PNG, JPEG or BMP images for each class, or a folder for each class alone"
        )
    return files


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
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")
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


def renamed_notes(folder_classes: set[str]) -> tuple[str, ...]:
    """Return a line for each folder whose class is called otherwise."""
    renamed = {name: normal_class_name(name) for name in sorted(folder_classes)}
    return tuple(f"folder '{old}' is read as class '{new}'" for old, new in renamed.items() if old != new)
