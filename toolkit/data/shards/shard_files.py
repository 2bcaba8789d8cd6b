"""Data sets in shards, files of many pictures each: found, told apart by split, decoded piece by piece and kept."""

import logging
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.files import regular_size
from device.text import a_few
from toolkit.data.dataset import FACE_SIZE, BrokenImage, Dataset
from toolkit.data.files.broken import refuse_endless
from toolkit.data.files.class_numbers import classes_of
from toolkit.data.files.decoding import decode_all
from toolkit.data.files.face_store import store_shape
from toolkit.data.files.image_files import LARGEST_PICTURE_BYTES, DecodedFace, decode_face
from toolkit.data.files.kept_faces import fingerprint_of, kept
from toolkit.data.files.origin import is_marked, with_source
from toolkit.data.files.split_names import split_told, split_within
from toolkit.data.files.walk import files_under, folder_of, image_folders
from toolkit.data.folders.picture_lists import are_listed
from toolkit.data.shards.parquet import read_parquet
from toolkit.data.shards.record import Record
from toolkit.data.shards.tar_shards import read_tar

log = logging.getLogger(__name__)

READERS = {".parquet": read_parquet, ".tar": read_tar}
# Decoded at once: so many pictures, or fewer of so many bytes together.
PICTURES_AT_ONCE, BYTES_AT_ONCE = 1024, 2 * LARGEST_PICTURE_BYTES
TOLD_EACH = 100_000


@dataclass
class Columns:
    """What is kept of each face while shards are read, (N,) each: label (a number of ``numbers``), split and name."""

    labels: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    splits: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    broken: list[BrokenImage] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)

    def number_of(self, label: str) -> int:
        return self.numbers.setdefault(label, len(self.numbers))


def find_shards(path: Path) -> tuple[Path, ...]:
    """Return the shards, of one kind, that ``path`` is or holds, by name; none where class folders, two at least, hold
    pictures, or one whose pictures are in a list of labels.

    EdgeError for one that cannot be read or is no regular file.
    """
    if path.is_file():
        return (path,) if path.suffix.lower() in READERS else ()
    found = list(files_under(path))
    kinds = ([one for one in found if one.suffix.lower() == suffix] for suffix in READERS)
    shards = tuple(sorted(next(filter(None, kinds), [])))
    below = (folder for folder in image_folders(path) if folder != path)
    pictured = list(islice(below, 2)) if shards else []
    if len(pictured) > 1 or (pictured and are_listed(path)):
        return ()
    for shard in shards:
        try:
            regular_size(shard)
        except OSError as error:
            raise EdgeError(
                f"cannot read {shard}: {error.strerror}; fetch it again or take it out"
            ) from error
    return shards


def load_shards(
    root: Path,
    shards: tuple[Path, ...],
    lenient: bool = False,
    colour: bool = False,
) -> Dataset:
    """Return the faces of ``shards``, which ``find_shards(root)`` returned; decoded once and kept, see ``kept``.

    With ``colour`` they are there in colours too.

    Raises EdgeError for shards that cannot be read or hold nothing, for an invalid label, or, unless ``lenient``,
    for too many broken pictures.

    >>> load_shards(Path("my_faces"), find_shards(Path("my_faces")))
    """
    folder = folder_of(root)
    fingerprint = fingerprint_of(folder, shards)
    dataset = kept(root, fingerprint, lambda file: decode_shards(folder, shards, file, colour), colour)
    return with_source(dataset, root, is_marked(folder, shards[0]), lenient)


def decode_shards(folder: Path, shards: Iterable[Path], file: Path, colour: bool) -> Dataset:
    """Write the store of the faces of ``shards`` to ``file`` and return their data set without images."""
    split_of_shard, notes = splits_of(folder, shards)
    columns = Columns()
    with open(file, "wb", buffering=0) as out:
        for shard, split in split_of_shard.items():
            declared, records = READERS[shard.suffix.lower()](shard)
            for name in declared:
                columns.number_of(name)
            for batch in in_batches(records):
                before = len(columns.names)
                out.write(decode_batch(shard, batch, split, columns, colour))
                if len(columns.names) // TOLD_EACH > before // TOLD_EACH:
                    log.info("%s faces decoded", f"{len(columns.names):,}")
    if not columns.names and not columns.broken:
        raise EdgeError(
            f"{folder}: the {next(iter(split_of_shard)).suffix} files hold no labelled picture; fetch them again"
        )
    notes += [
        f"the '{split}' split holds no picture that can be read and is left out"
        for split in dict.fromkeys(split_of_shard.values())
        if split not in set(columns.splits)
    ]
    return named(folder, columns, notes)


def decode_batch(shard: Path, batch: list[Record], split: str, columns: Columns, colour: bool) -> bytes:
    """Return the store of the faces of ``batch``, of ``shard``, as bytes, without the broken ones; ``columns`` grow by
    as many."""
    faces = np.zeros(store_shape(len(batch), colour), np.uint8)
    formats = [""] * len(batch)

    def keep(position: int, decoded: DecodedFace) -> None:
        faces[position] = decoded.face
        formats[position] = decoded.format

    problems = dict(decode_all(len(batch), lambda position: decode_record(batch[position], colour), keep))
    columns.broken += [BrokenImage(batch[at].name, batch[at].label, why) for at, why in problems.items()]
    if problems:
        last = columns.broken[-1]
        refuse_endless(shard, len(columns.broken), last.name, last.reason)
    good = [position for position in range(len(batch)) if position not in problems]
    numbers = [columns.number_of(record.label) for record in batch]  # a class may hold broken ones alone
    columns.labels.extend(numbers[position] for position in good)
    columns.splits += [split] * len(good)
    columns.names += [batch[position].name for position in good]
    columns.formats.update(formats[position] for position in good)
    return faces[good].tobytes()


def decode_record(record: Record, colour: bool) -> DecodedFace:
    """Return the face of ``record``, with ``colour`` in colours too; ValueError saying why there is none."""
    if record.problem:
        raise ValueError(record.problem)
    return decode_face(record.content, colour)


def in_batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Yield ``records`` in lists that memory has room for."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.content)
        if len(batch) == PICTURES_AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def named(folder: Path, columns: Columns, notes: list[str]) -> Dataset:
    """Return the data set of ``columns`` without images, the labels under the names of classes."""
    name_of, classes, said = classes_of(folder, columns.numbers, "label")
    number = {name: at for at, name in enumerate(classes)}
    position = np.array([number[name] for name in name_of.values()], dtype=np.int64)
    return Dataset(
        images=np.broadcast_to(np.uint8(0), (len(columns.names), FACE_SIZE, FACE_SIZE)),
        labels=position[np.frombuffer(columns.labels, np.int64)] if columns.names else np.zeros(0, np.int64),
        classes=classes,
        splits=np.array(columns.splits, "U10"),
        names=np.array(columns.names, str),
        broken=tuple(replace(image, label=name_of[image.label]) for image in columns.broken),
        formats=dict(columns.formats.most_common()),
        notes=(*said, *notes),
    )


def splits_of(folder: Path, shards: Iterable[Path]) -> tuple[dict[Path, str], list[str]]:
    """Return the split of each shard by its name, else by its folders' names, and a line for each that is left out and
    for folders beside each other, which may be data sets of their own.

    'train-00000-of-00002', 'faces-train-000000' and 'train/0000' are of 'train'. Where no name tells a split, all are.
    """
    told = {shard: split_told(shard.relative_to(folder).with_suffix("")) for shard in shards}
    above = {shard.relative_to(folder).parts[0] for shard in told if shard.parent != folder}
    beside = sorted(name for name in above if not split_within(name))
    notes = []
    if len(beside) > 1:
        notes.append(f"{a_few(beside)} are read together; name one of them to read it alone")
    if not any(told.values()):
        return dict.fromkeys(told, "train"), notes
    notes += [
        f"'{shard.relative_to(folder)}' tells no split by its name and is left out"
        for shard, split in told.items()
        if not split
    ]
    return {shard: split for shard, split in told.items() if split}, notes
