"""Loading labelled faces: one call for every format."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from device.errors import EdgeError
from device.files import lasting_path
from device.labels import LONGEST_LABEL, is_label
from device.text import printable
from toolkit.data.class_names import FERPLUS_CLASSES
from toolkit.data.dataset import Dataset
from toolkit.data.files.split_names import split_told
from toolkit.data.files.text_table import is_table
from toolkit.data.files.walk import files_under, image_folders, images_under, subfolders
from toolkit.data.folders.class_folders import load_folders
from toolkit.data.folders.list_entries import columns_told
from toolkit.data.folders.picture_lists import are_listed
from toolkit.data.label_sources import OWN_LABELS, narrowed
from toolkit.data.readers.face_tables import holds_faces, load_face_tables, parse_pixels, read_rows
from toolkit.data.readers.photographs import photograph_notes
from toolkit.data.readers.pictures import lists_pictures
from toolkit.data.shards.shard_files import READERS, find_shards, load_shards
from toolkit.data.synthesis import load_synthetic

CSV_FILE = "fer2013.csv"
SYNTHETIC = "synthetic"


def load_dataset(
    path: str | Path,
    classes: tuple[str, ...] | None = None,
    lenient: bool = False,
    label_source: str = OWN_LABELS,
    colour: bool = False,
) -> Dataset:
    """Return the labelled faces at ``path``, all as 48x48 gray, with ``colour`` in red, green and blue too.

    ``path`` is one of: a folder of split folders (train, validation or valid or val, test, in any letter case) of
    class folders; a folder of class folders, all of whose faces are 'train'; a folder of pictures whose labels stand in
    a list, in a file a picture or in their names, or such a list; a ``fer2013.csv`` or the folder of one, with the FER+
    votes file beside it or not; parquet files (``data/train-00000-of-00002.parquet``) or tar files
    (``train-000000.tar``), or the folder of such; the word 'synthetic' for the faces that ship with the toolkit.
    ``classes`` keeps only these, in this order; else FER2013's order where all names are known, else by name.
    ``lenient`` lets a data set pass of one class or of many broken images, for looking at it.
    ``label_source`` is 'own' for the labels of the data, or 'ferplus' for the majority of the FER+ votes: only the
    faces that have one, in FERPLUS_CLASSES. fer2013.csv and the toolkit's own faces have no colours.
    Raises EdgeError for anything else, for a data set of one class, for a class that is not there, and for a folder
    that may not be read.
    """
    try:
        dataset = load_any(Path(path), lenient, colour)
    except PermissionError as error:
        raise EdgeError(
            f"cannot read {error.filename}: {error.strerror}; give yourself the right to read it, or take it out"
        ) from error
    dataset = narrowed(dataset, classes, label_source)
    if not lenient:
        refuse_one_class(dataset)
        refuse_class_names(dataset)
    return dataset


def load_any(path: Path, lenient: bool, colour: bool = False) -> Dataset:
    """Return the faces of a file or folder, or of the toolkit; PermissionError for a folder that may not be read."""
    refuse_no_data(path)
    if not path.exists():
        return load_synthetic()
    if (path / CSV_FILE).is_file() and not subfolders(path):
        return load_face_tables(path / CSV_FILE, {path / CSV_FILE: ""}, lenient)
    if shards := find_shards(path):
        dataset = load_shards(path, shards, lenient, colour)
    elif lists_pictures(path):
        dataset = load_folders(path.parent, lenient, colour, labels=path)
    elif path.is_file():
        if is_table(path) and not holds_faces(path) and next(images_under(path.parent), None):
            raise EdgeError(f"{path} {columns_told(path)}, or emotion and pixels")
        return load_face_tables(path, {path: ""}, lenient)
    elif tables := find_tables(path):
        return load_face_tables(path if len(tables) > 1 else next(iter(tables)), tables, lenient)
    else:
        dataset = load_folders(path, lenient, colour)
        dataset = replace(dataset, notes=(*dataset.notes, *unread_beside(path)))
    return replace(dataset, notes=(*dataset.notes, *photograph_notes(path, dataset)))


def refuse_no_data(path: Path) -> None:
    """Raise EdgeError where there is nothing at ``path``, unless it is the word for the toolkit's own faces."""
    there = path.is_dir() or path.is_file()
    if not there and (path.exists() or str(path) != SYNTHETIC):
        raise EdgeError(
            f"no data at {path}; expected a folder of faces, parquet or tar files, a {CSV_FILE}, or the word "
            f"'{SYNTHETIC}'"
        )


def found_from_anywhere(path: Path) -> Path:
    """Return ``path`` as a later command finds it: absolute, and 'synthetic' as it is where nothing is called so."""
    return lasting_path(path) if path.exists() else path


def find_tables(root: Path) -> dict[Path, str]:
    """Return the tables of faces in a folder without class folders, each with the split that its name tells or ''.

    A ``fer2013.csv`` alone where there is one; else train.csv beside test.csv, or the only table. Raises EdgeError
    where several tell no splits by their names.
    """
    pictured = list(islice(image_folders(root), 2))
    if len(pictured) > 1 or (pictured and are_listed(root)):
        return {}
    tables = [path for path in sorted(files_under(root)) if is_table(path)]
    named = [path for path in tables if path.name.lower().startswith(CSV_FILE)]
    tables = named or [path for path in tables if _has_faces(path, asked=not pictured)]
    told = {path: split_told(path.relative_to(root).with_suffix("")) for path in tables}
    if len(tables) < 2:
        return dict.fromkeys(tables, "")
    if named or len(set(told.values()) - {""}) < len(tables):
        raise EdgeError(
            f"{root} holds several tables of faces: {', '.join(str(path.relative_to(root)) for path in tables[:4])}; "
            "name one of them"
        )
    return told


def _has_faces(table: Path, asked: bool) -> bool:
    """Return whether a table holds faces; one that nobody ``asked`` for may be no table, and needs a first face."""
    if asked:
        return holds_faces(table)
    try:
        return holds_faces(table) and any(
            len(parse_pixels(text)) for _, text, _ in islice(read_rows(table, ""), 1)
        )
    except (EdgeError, ValueError):
        return False


def unread_beside(root: Path) -> tuple[str, ...]:
    """Return a line where shards or tables of faces stand among the folders of pictures that were read."""
    others = (
        path
        for path in files_under(root)
        if path.suffix.lower() in READERS or (is_table(path) and _has_faces(path, asked=False))
    )
    return tuple(
        f"the pictures in folders are read, and {path.relative_to(root)} is not; name it to read it"
        for path in islice(others, 1)
    )


def refuse_class_names(dataset: Dataset) -> None:
    """Raise EdgeError for a class whose name no model's file can hold, and for expressions among numbers."""
    for name in dataset.classes:
        if not is_label(name):
            raise EdgeError(
                f"{dataset.source}: a class is called '{printable(name, 60)}'; expected 1 to {LONGEST_LABEL} printable "
                "characters, which a model's file can hold; rename it"
            )
    numbers = [name for name in dataset.classes if name.isdecimal()]
    expressions = [name for name in dataset.classes if name in FERPLUS_CLASSES]
    if numbers and expressions:
        raise EdgeError(
            f"{dataset.source}: some classes are numbers ({', '.join(numbers[:3])}), others names "
            f"({', '.join(expressions[:3])}), so one class may stand under both; expected names or numbers in every "
            "split and list"
        )


def refuse_one_class(dataset: Dataset) -> None:
    """Raise EdgeError unless faces of at least two classes are there."""
    present = [name for name, number in dataset.counts().items() if number]
    if len(present) < 2:
        raise EdgeError(
            f"{dataset.source}: expected faces of at least two classes; "
            f"received {len(present)} ({', '.join(present)}); put the pictures of each class into a folder of its name"
        )
