"""Writing a data set as folders of PNG files."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.files import TEMPORARY, folder_for, locked, way_out
from toolkit.data.dataset import SPLITS, Dataset

# Of ten faces: so many to train, to choose the best epoch, and to report.
SPLIT_TENTHS = (6, 2, 2)


def in_three_splits(dataset: Dataset) -> Dataset:
    """Return ``dataset`` with six tenths of each class as 'train', two as 'validation' and two as 'test'."""
    pattern = np.repeat(SPLITS, SPLIT_TENTHS)
    splits = np.empty(len(dataset), "U10")
    for label in range(len(dataset.classes)):
        rows = np.flatnonzero(dataset.labels == label)
        splits[rows] = pattern[np.arange(len(rows)) * 7 % 10]  # 7: mixes the splits along the rows
    return replace(dataset, splits=splits)


def write_folders(
    dataset: Dataset, out: Path, overwrite: bool = False, texts: dict[str, str] | None = None
) -> None:
    """Write each face to ``out/SPLIT/CLASS/NUMBER.png``, and ``texts`` (name: content) beside the splits.

    As ``new_folder`` says; EdgeError where the disk refuses the write, too.
    """
    with new_folder(out, overwrite) as place:
        _write_files(dataset, place, texts or {})


@contextlib.contextmanager
def new_folder(out: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yield where to write what ``out`` is to hold: it appears whole or not at all.

    A new folder has the rights of the umask; an empty one that is there keeps its own. Raises EdgeError if ``out``
    holds something and ``overwrite`` is false, if another program writes there, or if the disk refuses a write.
    """
    if out.exists() and not out.is_dir():
        raise EdgeError(f"{out} is a file; expected a folder; name another")
    there = out.is_dir()
    try:
        with locked(out, wait_s=0.0) if there else contextlib.nullcontext():
            filled = there and any(out.iterdir())
            if filled and not overwrite:
                raise EdgeError(
                    f"{out} is not empty; pass `overwrite` to write into it, or name another folder"
                )
            if filled:
                yield out
                return
            beside = out if there else out.parent
            with (
                folder_for(beside),
                tempfile.TemporaryDirectory(
                    prefix=TEMPORARY, dir=beside, ignore_cleanup_errors=True
                ) as private,
            ):
                place = Path(private, "whole")
                place.mkdir()
                yield place
                if there:
                    _move_into(out, place)
                else:
                    place.replace(out)
    except OSError as error:
        raise EdgeError(f"cannot write {out}: {error.strerror or error}; {way_out(error)}") from error


def _move_into(out: Path, place: Path) -> None:
    """Move all that ``place`` holds into the folder ``out``, or, where that ends early, nothing."""
    names = sorted(entry.name for entry in place.iterdir())
    try:
        for name in names:
            (place / name).replace(out / name)
    except BaseException:  # Ctrl-C, too
        for name in names:
            if not (place / name).exists():
                (out / name).replace(place / name)
        raise


def _write_files(dataset: Dataset, out: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (out / name).write_text(text)
    for number, (image, label, split) in enumerate(
        zip(dataset.images, dataset.labels, dataset.splits, strict=True)
    ):
        folder = out / str(split) / dataset.classes[label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05d}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
