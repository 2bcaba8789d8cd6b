"""Who tells the class of each picture of a data set: its folders, a list, files of labels or the pictures' names."""

from pathlib import Path

from device.errors import EdgeError
from device.text import a_few, counted
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.files.text_table import is_table
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.label_files import file_labelled_images
from toolkit.data.folders.layout import ImageFile, find_images
from toolkit.data.folders.layout_notes import layout_notes
from toolkit.data.folders.picture_lists import listed_images, unread_lists, why_unlisted
from toolkit.data.folders.picture_names import named_images, why_unnamed
from toolkit.data.folders.split_lists import with_listed_splits
from toolkit.data.folders.yolo_labels import boxed_images

# What reads labels where folders tell no classes, and the share that it has to tell of the pictures in the folders that
# it names: a list a quarter; CK+ has files for the last of some twenty pictures of a person. None for what is no list.
LABEL_READERS = (
    (listed_images, 0.25),
    (file_labelled_images, 0.0),
    (boxed_images, None),
    (named_images, None),
)


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
