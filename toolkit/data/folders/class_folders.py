"""Folders of images: a folder a class, under a folder a split or all in one."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.text import a_few, counted
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.dataset import BrokenImage, Dataset
from toolkit.data.files.broken import refuse_too_many_broken
from toolkit.data.files.class_numbers import classes_of
from toolkit.data.files.decoding import decode_all
from toolkit.data.files.face_store import new_face_store, store_shape
from toolkit.data.files.image_files import DecodedFace, read_face
from toolkit.data.files.kept_faces import fingerprint_of, kept
from toolkit.data.files.split_names import split_of
from toolkit.data.files.text_table import is_table
from toolkit.data.folders.contents import unread_labels
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.label_files import file_labelled_images
from toolkit.data.folders.layout import ImageFile, find_images
from toolkit.data.folders.layout_notes import layout_notes
from toolkit.data.folders.picture_lists import listed_images, unread_lists, why_unlisted
from toolkit.data.folders.picture_names import named_images, why_unnamed
from toolkit.data.folders.split_lists import with_listed_splits
from toolkit.data.folders.yolo_labels import boxed_images
from toolkit.data.stored_faces import parted
from toolkit.data.synthesis import MARK, SOURCE

KEPT_FROM = 100_000  # pictures; fewer are decoded within a minute or two
ROWS_AT_ONCE = 4096
# What reads labels where folders tell no classes, and the share that it has to tell of the pictures in the folders that
# it names: a list a quarter; CK+ has files for the last of some twenty pictures of a person. None for what is no list.
LABEL_READERS = (
    (listed_images, 0.25),
    (file_labelled_images, 0.0),
    (boxed_images, None),
    (named_images, None),
)


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


def with_source(dataset: Dataset, source: Path, synthetic: bool, lenient: bool) -> Dataset:
    """Return ``dataset`` as that of ``source``; EdgeError, unless ``lenient``, for too many broken images."""
    if not lenient:
        refuse_too_many_broken(dataset.broken, dataset.counts(), source)
    return replace(dataset, source=f"{source} ({SOURCE})" if synthetic else str(source), synthetic=synthetic)


def labelled_images(root: Path, labels: Path | None = None) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return the pictures of a data set with their classes and splits, and what to say of how they were found.

    With ``labels``, those of that list; else folders tell the classes, or lists, files of labels or the names of the
    pictures do. EdgeError where nothing does.
    """
    if labels is not None:
        files, notes = listed_images(Pictures.under(root), labels)
        if not files:
            raise EdgeError(
                f"{labels} names no picture beside it; expected the columns image and label, the pictures in its folder"
            )
        return files, notes
    try:
        files, why_none = find_images(root), None
    except EdgeError as error:
        files, why_none = [], error
    several = len({file.folder_class for file in files}) > 1
    if several and _any_expression(files):
        files, splits = with_listed_splits(root, files)
        return files, (*layout_notes(root, files), *splits, *_contradicted(root, files))
    pictures = Pictures.under(root)
    unused: tuple[str, ...] = ()
    for reader, least in LABEL_READERS:
        found, notes = reader(pictures)
        if found and (not several or _across_folders(found, files, least)):
            return found, notes
        if reader is listed_images and (other := _named_otherwise(found, files)):
            unused = (
                f"a list labels {counted(other, 'picture')} otherwise and is not used, for the folders are read as "
                "classes; name the list in place of its folder to take its labels",
            )
    if why_none is None:
        files, splits = with_listed_splits(root, files)
        return files, (*layout_notes(root, files), *splits, *(unused or unread_lists(pictures)))
    if pictures.paths and (why := why_unlisted(root) or why_unnamed(pictures)):
        raise EdgeError(f"{root} holds images but no folder for each class, and {why}") from None
    raise why_none


def _any_expression(files: list[ImageFile]) -> bool:
    return any(name in FERPLUS_CLASSES for name in {normal_class_name(file.folder_class) for file in files})


def _contradicted(root: Path, files: list[ImageFile]) -> tuple[str, ...]:
    """Return a line where a table in ``root`` names other expressions than the folders do."""
    tables = [path for path in sorted(root.iterdir()) if is_table(path)]
    try:
        listed, _ = listed_images(Pictures.under(root)) if tables else ([], ())
    except EdgeError:
        return ()  # nobody asked for its labels
    other = _named_otherwise(listed, files)
    names = {normal_class_name(file.folder_class) for file in listed}
    if not other or not names <= set(FERPLUS_CLASSES):
        return ()
    return (
        f"{a_few([path.name for path in tables])} tells another class than the folders of {counted(other, 'picture')}; "
        "the folders are taken, name the table in place of its folder to take its labels",
    )


def _named_otherwise(found: list[ImageFile], files: list[ImageFile]) -> int:
    """Return how many of ``files`` have another class in ``found``."""
    told, own = (
        {file.path: normal_class_name(file.folder_class) for file in part} for part in (found, files)
    )
    return sum(told.get(path, name) != name for path, name in own.items())


def _across_folders(found: list[ImageFile], files: list[ImageFile], least: float | None) -> bool:
    """Return whether the labels of ``found`` go across the folders of ``files``: then those are no classes, but
    persons, parts or the like.

    One label stands in several of the folders, or a list tells several expressions in one. What is no list has to name
    expressions to be believed; a list, of which ``least`` is known, those of that share of the pictures in the folders
    that it names, or most of all.
    """
    folder = {file.path: file.folder_class for file in files}
    held = {
        (normal_class_name(file.folder_class), folder[file.path]) for file in found if file.path in folder
    }
    labels, folders = ({pair[at] for pair in held} for at in (0, 1))
    named, listed = sum(file.path in folder for file in found), least is not None
    if not labels <= set(FERPLUS_CLASSES):
        return listed and 2 * named > len(files) and len(held) > len(labels)
    if least is not None and named < least * sum(file.folder_class in folders for file in files):
        return False
    return len(held) > len(labels) or (listed and len(held) > len(folders))


def decode_into(file: Path, root: Path, files: list[ImageFile], colour: bool) -> Dataset:
    """Return the data set of ``files``, its faces in ``file``, a store without gaps for broken ones."""
    images = np.memmap(file, np.uint8, "w+", shape=store_shape(len(files), colour))
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


def is_marked(root: Path, image: Path) -> bool:
    """Return whether a folder from ``root`` down to ``image``, or the one that ``root`` is a split of, has the mark of
    synthetic faces."""
    folders = [root, *(folder for folder in image.parents if root in folder.parents)]
    if split_of(root.resolve().name):
        folders.append(root.resolve().parent)
    return any((folder / MARK).is_file() for folder in folders)
