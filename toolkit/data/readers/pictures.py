"""The pictures of a data set as its files hold them, in their own size and colours, before faces are made of them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from device.picture_files import decode_picture, read_picture
from toolkit.data.even_choice import even_rows
from toolkit.data.files.image_files import COLOURED, to_gray
from toolkit.data.files.text_table import is_table
from toolkit.data.files.walk import folder_of, images_under
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.list_entries import entries_of
from toolkit.data.folders.picture_lists import listed_images
from toolkit.data.readers.face_tables import holds_faces
from toolkit.data.shards.record import Record
from toolkit.data.shards.shard_files import READERS, find_shards, splits_of

COLOURS_ASKED = 64
Item = TypeVar("Item")
# Where it stands, under its split and class, and (H, W) gray or (H, W, 3) BGR uint8, None for one that cannot be read.
Picture = tuple[Path, np.ndarray | None]


def lists_pictures(path: Path) -> bool:
    """Return whether ``path`` is a file that lists pictures, and no table of faces; EdgeError for a damaged one."""
    if not path.is_file() or (is_table(path) and holds_faces(path)):
        return False
    return next(entries_of(path), None) is not None


def sample_pictures(path: Path, count: int) -> list[np.ndarray]:
    """Return about ``count`` readable pictures, (H, W) gray or (H, W, 3) BGR uint8, spread over the shards, folder or
    list ``path``; none of other data."""
    if path.exists() and (shards := find_shards(path)):
        folder = folder_of(path)
        some = _some(list(splits_of(folder, shards)[0].items()), count)
        pictures = pictures_of_shards(folder, dict(some), math.ceil(count / len(some)))
    elif path.is_dir():
        pictures = pictures_of_files(path, _some(list(images_under(path)), count))
    elif lists_pictures(path):
        listed = [file.path for file in listed_images(Pictures.under(path.parent), path)[0]]
        pictures = pictures_of_files(path.parent, _some(listed, count))
    else:
        return []
    return [image for _, image in pictures if image is not None]


def mostly_coloured(path: Path) -> bool:
    """Return whether half or more of the pictures at ``path`` have colours; COLOURS_ASKED of them are looked at."""
    coloured = [to_gray(image)[1] == COLOURED for image in sample_pictures(path, COLOURS_ASKED)]
    return any(coloured) and 2 * sum(coloured) >= len(coloured)


def pictures_of_files(root: Path, paths: Iterable[Path]) -> Iterator[Picture]:
    """Yield the pictures in the files ``paths`` of the folder ``root``."""
    for path in paths:
        try:
            yield path.relative_to(root), read_picture(path)
        except ValueError:
            yield path.relative_to(root), None


def pictures_of_shards(
    folder: Path, splits: Mapping[Path, str], each: int | None = None
) -> Iterator[Picture]:
    """Yield the pictures, of each the first ``each``, in the shards of ``folder``, see ``splits_of``."""
    for shard, split in splits.items():
        records: Iterator[Record] = READERS[shard.suffix.lower()](shard)[1]
        for number, record in enumerate(islice(records, each), 1):
            place = Path(
                split, folder_name(record.label), "_".join(shard.relative_to(folder).with_suffix("").parts)
            )
            place = place.with_name(f"{place.name}_{number}")
            yield place, _decoded(record.content)


def folder_name(label: str) -> str:
    """Return ``label`` as the name of a folder."""
    return "".join(letter if letter.isalnum() or letter in " -" else "_" for letter in label)


def _some(items: Sequence[Item], count: int) -> list[Item]:
    return [items[row] for row in even_rows(len(items), count)]


def _decoded(content: bytes) -> np.ndarray | None:
    try:
        return decode_picture(content)
    except ValueError:
        return None
