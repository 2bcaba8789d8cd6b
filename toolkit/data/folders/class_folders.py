"""Folders of labelled pictures as a data set: the faces decoded, and kept where they are many."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.dataset import BrokenImage, Dataset
from toolkit.data.files.class_numbers import classes_of
from toolkit.data.files.decoding import decode_all
from toolkit.data.files.face_store import new_face_store, store_shape
from toolkit.data.files.image_files import DecodedFace, read_face
from toolkit.data.files.kept_faces import fingerprint_of, kept
from toolkit.data.files.origin import is_marked, with_source
from toolkit.data.folders.contents import unread_labels
from toolkit.data.folders.labelled_images import labelled_images
from toolkit.data.folders.layout import ImageFile
from toolkit.data.folders.picture_lists import why_unlisted
from toolkit.data.stored_faces import parted

KEPT_FROM = 100_000  # pictures; fewer are decoded within a minute or two
ROWS_AT_ONCE = 4096


def load_folders(
    root: Path,
    lenient: bool = False,
    colour: bool = False,
    labels: Path | None = None,
) -> Dataset:
    """Return the faces of class folders, under split folders or directly in ``root`` (then all are 'train').

    Where there are none, one alone, or folders that are no classes, see ``labelled_images``; with ``labels``, that list
    alone. With ``colour`` they are there in colours too. ``KEPT_FROM`` pictures or more are decoded once and kept, see
    ``kept``. Raises EdgeError if there is no such layout, no image, or, unless ``lenient``, too many broken images.
    """
    files, notes = labelled_images(root, labels)
    names = {file.folder_class for file in files}
    if not lenient and len(names) == 1:
        _refuse_unread_labels(root, files[0])
    if len(files) < KEPT_FROM:
        dataset = decode_files(root, files, new_face_store(len(files), colour=colour))
    else:
        told = ((file.folder_class, file.split) for file in files)
        fingerprint = fingerprint_of(root, (file.path for file in files), told)
        dataset = kept(root, fingerprint, lambda file: decode_into(file, root, files, colour), colour)
    dataset = replace(dataset, notes=(*dataset.notes, *notes))
    return with_source(dataset, root, is_marked(root, files[0].path), lenient)


def _refuse_unread_labels(root: Path, file: ImageFile) -> None:
    """Raise EdgeError if a list says otherwise, perhaps, than that all pictures are of the class of ``file``."""
    why, name = why_unlisted(root), file.folder_class
    if name in file.path.parts and normal_class_name(name) not in FERPLUS_CLASSES:  # a folder of any name
        why = why or unread_labels(root)
    if why:
        raise EdgeError(
            f"{root} holds images of one class alone, '{name}', and {why}; put the pictures of each class into a "
            "folder of its name, or write a labels.csv beside them, image,label"
        )


def decode_into(file: Path, root: Path, files: list[ImageFile], colour: bool) -> Dataset:
    """Return the data set of ``files``, its faces in ``file``, a store without gaps for broken ones."""
    images = np.memmap(file, np.uint8, "w+", shape=store_shape(len(files), colour))
    dataset = decode_files(root, files, images)
    missing = {image.name for image in dataset.broken}
    if missing:
        rows = [at for at, one in enumerate(files) if str(one.path.relative_to(root)) not in missing]
        # A face only moves forward, to where none is left to read.
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            images[start : start + len(part)] = images[part]
    images.flush()
    os.truncate(file, len(dataset) * images[0].nbytes)
    return dataset


def decode_files(root: Path, files: list[ImageFile], store: np.ndarray) -> Dataset:
    """Decode each of ``files`` into its row of ``store``, (N, 48, 48[, 4]) uint8.

    The data set has the rows that are not broken.
    """
    formats = [""] * len(files)

    def keep(position: int, decoded: DecodedFace) -> None:
        store[position] = decoded.face
        formats[position] = decoded.format

    problems = decode_all(len(files), lambda position: read_face(files[position].path, store.ndim == 4), keep)
    class_of, classes, notes = classes_of(root, {file.folder_class for file in files}, "folder")
    names = [class_of[file.folder_class] for file in files]
    good = np.ones(len(files), dtype=bool)
    good[[position for position, _ in problems]] = False
    number = {name: label for label, name in enumerate(classes)}
    images, colours = parted(store)
    whole = Dataset(
        images=images,
        colours=colours,
        labels=np.array([number[name] for name in names], dtype=np.int64),
        classes=classes,
        splits=np.array([file.split for file in files]),
        names=np.array([str(file.path.relative_to(root)) for file in files]),
        broken=tuple(
            BrokenImage(str(files[position].path.relative_to(root)), names[position], reason)
            for position, reason in problems
        ),
        formats=dict(Counter(filter(None, formats)).most_common()),
        notes=notes,
    )
    return whole if good.all() else whole.select(good)
