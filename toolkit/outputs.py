"""Where a command may write: found out before anything is read or measured."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from device.errors import EdgeError, UsageError
from device.files import refuse_existing, refuse_place, same_file

Inputs = Iterable[str | Path | None]
PAGE_SUFFIXES = (".html", ".htm")


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
