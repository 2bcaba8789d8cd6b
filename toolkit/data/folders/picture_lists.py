"""Lists of labels beside pictures: which of the files among them are some, and the pictures that they name."""

from itertools import islice
from pathlib import Path, PurePosixPath

from device.errors import EdgeError
from device.text import a_few
from toolkit.data.class_names import normal_class_name
from toolkit.data.files.image_files import IMAGE_SUFFIXES
from toolkit.data.files.split_names import split_told
from toolkit.data.files.text_table import is_table, read_table
from toolkit.data.files.walk import files_under
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.layout import ImageFile
from toolkit.data.folders.list_entries import columns_told, entries_of

# Kaggle's sample_submission.csv has made-up labels of the pictures to be named.
NO_LABELS = "submission"


def listed_images(pictures: Pictures, only: Path | None = None) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return those of ``pictures`` that lists of labels among them name (``only`` this one), and what to say of it.

    Nothing where there is no such list. Raises EdgeError for a damaged list, an invalid label, or a picture that is
    listed twice in another way.
    """
    if not pictures.paths:
        return [], ()
    root = pictures.root
    found: dict[Path, ImageFile] = {}
    used = []
    lists = [only] if only else sorted(filter(_may_list, files_under(root)))
    for path in lists:
        entries = list(entries_of(path))
        told = split_told(path.relative_to(root).with_suffix(""))
        named = [pictures.named(entry.picture, path.parent, entry.split or told) for entry in entries]
        own = [told or "train"] * len(entries)
        in_list = [PurePosixPath(entry.picture) for entry in entries]
        for several in (in_list, [picture.relative_to(root) for picture in named]):
            by_picture = [split_told(one.parent / one.stem) for one in several]
            own = by_picture if all(by_picture) and not told else own
        for entry, picture, split in zip(entries, named, own, strict=True):
            image = ImageFile(picture, entry.split or split, entry.label)
            _refuse_conflict(path, found.setdefault(picture, image), image)
        used += [str(path.relative_to(root))] if entries else []
    notes = (f"the labels are read from {a_few(used)}", *pictures.left_out(found))
    return sorted(found.values(), key=lambda file: file.path), notes


def are_listed(root: Path) -> bool:
    """Return whether a list of labels under ``root`` names a picture there, or is one that has to be mended first."""
    pictures = Pictures.under(root)
    try:
        return any(file.path in pictures.paths for file in listed_images(pictures)[0])
    except EdgeError:
        return True


def _refuse_conflict(source: Path, first: ImageFile, second: ImageFile) -> None:
    """Raise EdgeError where two entries of one picture, the second in ``source``, tell another class or split."""
    told = [(normal_class_name(one.folder_class), one.split) for one in (first, second)]
    if told[0] != told[1]:
        raise EdgeError(
            f"{source}: {second.path.name} is listed as '{told[1][0]}' in {told[1][1]}, and before as '{told[0][0]}' "
            f"in {told[0][1]}; keep one of the two, or name one list of labels; where a picture shows several faces, "
            "cut them out by their boxes"
        )


def _may_list(path: Path) -> bool:
    return not path.name.startswith(".") and NO_LABELS not in path.name.lower()


def unread_lists(pictures: Pictures) -> tuple[str, ...]:
    """Return a line for a table that names some of ``pictures``, its labels not recognised; nothing without."""
    root = pictures.root
    for path in sorted(path for path in root.iterdir() if is_table(path) and _may_list(path)):
        try:
            first = next(islice(read_table(path), 1, None), [])
            names = [cell for cell in first if cell.strip().lower().endswith(IMAGE_SUFFIXES)]
            if any(pictures.named(name, root) in pictures.paths for name in names) and not next(
                entries_of(path), None
            ):
                return (
                    f"{path.name} names these pictures, but {columns_told(path)}: no label is read from it",
                )
        except EdgeError:
            continue  # nobody asked for its labels
    return ()


def why_unlisted(root: Path) -> str:
    """Return what is wrong with the first table in ``root`` that lists no pictures, or ''."""
    for path in sorted(filter(is_table, root.iterdir())):
        if not path.name.startswith(".") and not next(entries_of(path), None):
            return f"{path.name} {columns_told(path)}"
    return ""
