"""Where a command may write, found out before anything is read or measured; folders that appear whole or not at all,
and one for what goes again."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from device.errors import EdgeError, UsageError
from device.files import TEMPORARY, folder_for, locked, refuse_existing, refuse_place, same_file, way_out

Inputs = Iterable[str | Path | None]
PAGE_SUFFIXES = (".html", ".htm")
FULL_BYTES = 256 << 10  # of a disk: what a library could not fill with a last piece


def refuse_output(path: str | Path, overwrite: bool, inputs: Inputs = (), suffix: str = "") -> None:
    """Raise an error in one line if ``path`` may not be written.

    UsageError where it is one of ``inputs`` or does not end in ``suffix``, EdgeError where it exists and ``overwrite``
    is false, or where no file can be written.
    """
    refuse_input(path, inputs)
    if not str(path).endswith(suffix):
        raise UsageError(f"expected a file ending in {suffix} to write; received {path}; choose another name")
    if os.path.exists(path) and not os.path.isfile(path):
        kind = "folder" if os.path.isdir(path) else "device"
        raise EdgeError(f"cannot write {path}: it is a {kind}; expected the name of a file")
    refuse_folder(Path(path).parent)
    refuse_existing(path, overwrite)


def page_paths(
    page: str | Path, beside: Sequence[str], overwrite: bool, inputs: Inputs = ()
) -> tuple[Path, ...]:
    """Return the files that ``--out PAGE.HTML`` stands for: the page, and one for each suffix in ``beside``.

    UsageError where ``page`` is no name of an HTML file, in letters of either case; errors as of ``refuse_output``.
    """
    page = Path(page)
    if page.suffix.lower() not in PAGE_SUFFIXES:
        raise UsageError(f"expected a file ending in .html for `out`; received {page}; choose another name")
    paths = page, *map(page.with_suffix, beside)
    for path in paths:
        refuse_output(path, overwrite, inputs)
    return paths


def refuse_folder(folder: Path) -> None:
    """Raise EdgeError unless a file can be written in ``folder``, which may be still to make; nothing is left there."""
    refuse_place(next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place)))


def refuse_input(path: str | Path, inputs: Inputs) -> None:
    """Raise UsageError if ``path`` is one of ``inputs``, by its name or through links; None and no file are none."""
    for source in inputs:
        if source and same_file(path, source):
            raise UsageError(f"{path} would replace {source}, which this command reads; choose another name")


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


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder for files that libraries want to read; it goes with the body.

    Raises EdgeError where there is no place for it, and where the body fails with its disk full: what libraries say
    then blames what they read.
    """
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError as error:
        raise EdgeError(
            "no folder for temporary files can be written; let TMPDIR name one that can"
        ) from error
    with tempfile.TemporaryDirectory(prefix="fer-edge-", dir=folder) as made:
        try:
            yield Path(made)
        except Exception as error:
            if shutil.disk_usage(made).free >= FULL_BYTES:
                raise
            raise EdgeError(
                f"cannot write in {folder}: {os.strerror(errno.ENOSPC)}; free space there, or let TMPDIR name another "
                "folder"
            ) from error
