"""Decoded faces kept from one command to the next, so that a million pictures are decoded once."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.files import locked, way_out
from device.storage import cache_folder
from device.zip_files import DAMAGE
from toolkit.data.dataset import FACE_SIZE, BrokenImage, Dataset
from toolkit.data.files.class_numbers import CLASSES_FILE
from toolkit.data.files.face_store import DISK_FOLDER, store_shape
from toolkit.data.stored_faces import parted

log = logging.getLogger(__name__)

FACES, COLUMNS, FACTS = "faces.u8", "columns.npz", "facts.json"
READING = 4  # changes when the same files are read in another way
LONGEST_WAIT_S = 3600.0  # another command decodes the same faces


def fingerprint_of(folder: Path, files: Iterable[Path], told: Iterable[tuple[str, str]] = ()) -> str:
    """Return the SHA-256 of all that the faces follow from: name, size and time of change of each of ``files``, what is
    ``told`` of each, class and split, and the class names in ``CLASSES_FILE`` of ``folder``."""
    named = folder / CLASSES_FILE
    facts = [
        READING, cv2.__version__, FACE_SIZE,
        named.read_text("utf-8", "replace") if named.is_file() else "",
        [(str(file.relative_to(folder)), *_state(file)) for file in files],
        list(told),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _state(file: Path) -> tuple[int, int]:
    """Return the size of a file and when it changed, zeros for one that a list names and that is not there."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def kept(source: Path, fingerprint: str, decode: Callable[[Path], Dataset], colour: bool = False) -> Dataset:
    """Return the faces kept of ``source`` under ``fingerprint``, else what ``decode`` makes, kept from now on.

    ``decode`` writes the store of the faces, with ``colour`` in colours, to the file it is given and returns the data
    set with any images; the images that come back are StoredFaces on that file. Of one ``source`` the last faces in
    gray and the last in colours are kept. Where nothing can be kept, the faces go with the process. Raises EdgeError
    for a full disk.
    """
    try:
        name = hashlib.sha256(os.fsencode(source.resolve())).hexdigest()[:16]
        home = cache_folder() / "faces" / (f"{name}-colour" if colour else name)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=home).close()
    except (OSError, RuntimeError):  # no right to write there, or nobody's home
        folder = DISK_FOLDER if os.access(DISK_FOLDER, os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=folder, prefix="fer-edge-") as passing:
            return _made(Path(passing) / fingerprint, decode, colour)
    with locked(home, LONGEST_WAIT_S):
        dataset = _read(home / fingerprint, colour)
        if dataset is None:
            for former in home.iterdir():  # of other data, or of a command that was killed
                shutil.rmtree(former, ignore_errors=True)
            dataset = _made(home / fingerprint, decode, colour)
            log.info("%s decoded faces are kept in %s", f"{len(dataset):,}", home)
        return dataset


def _made(place: Path, decode: Callable[[Path], Dataset], colour: bool) -> Dataset:
    partial = place.with_name(f"{place.name}.partial")
    try:
        partial.mkdir()
        _write_columns(partial, decode(partial / FACES))
        os.replace(partial, place)
    except OSError as error:
        raise EdgeError(
            f"cannot write decoded faces in {place.parent} ({error.strerror}); {way_out(error)}: "
            "XDG_CACHE_HOME names it"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    made = _read(place, colour)
    if made is None:
        raise EdgeError(f"the decoded faces in {place} changed while they were written; try again")
    return made


def _write_columns(folder: Path, dataset: Dataset) -> None:
    np.savez(folder / COLUMNS, labels=dataset.labels, splits=dataset.splits, names=dataset.names)
    facts = {
        "classes": dataset.classes,
        "broken": [asdict(image) for image in dataset.broken],
        "notes": dataset.notes,
        "formats": dataset.formats,
    }
    (folder / FACTS).write_text(json.dumps(facts))


def _read(place: Path, colour: bool) -> Dataset | None:
    """Return the data set in ``place``, or None where it is none or not whole."""
    try:
        facts = json.loads((place / FACTS).read_text())
        with np.load(place / COLUMNS) as columns:
            labels, splits, names = (columns[name] for name in ("labels", "splits", "names"))
        images, colours = parted(_mapped(place / FACES, len(labels), colour))
        return Dataset(
            images=images,
            colours=colours,
            labels=labels,
            classes=tuple(facts["classes"]),
            splits=splits,
            names=names,
            broken=tuple(BrokenImage(**image) for image in facts["broken"]),
            notes=tuple(facts["notes"]),
            formats=facts["formats"],
        )
    except (OSError, KeyError, TypeError, *DAMAGE):
        return None


def _mapped(path: Path, count: int, colour: bool) -> np.ndarray:
    shape = store_shape(count, colour)
    if path.stat().st_size != np.prod(shape):
        raise ValueError("not whole")
    if not count:
        return np.zeros(shape, np.uint8)
    return np.memmap(path, np.uint8, "r", shape=shape)
