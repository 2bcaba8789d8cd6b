"""Where a command may write: found out before anything is read or measured."""

import os
from collections.abc import Iterable
from pathlib import Path

from device.errors import UsageError
from device.files import refuse_existing

Inputs = Iterable[str | Path | None]


def refuse_output(path: str | Path, overwrite: bool, inputs: Inputs = (), suffix: str = "") -> None:
    """Raise an error in one line if ``path`` may not be written.

    UsageError where it is one of ``inputs`` or does not end in ``suffix``, EdgeError where it exists and ``overwrite``
    is false.
    """
    refuse_input(path, inputs)
    if not str(path).endswith(suffix):
        raise UsageError(f"expected a file ending in {suffix} to write; received {path}; choose another name")
    refuse_existing(path, overwrite)


def refuse_input(path: str | Path, inputs: Inputs) -> None:
    """Raise UsageError if ``path`` is one of ``inputs``, by its name or through links; None and no file are none."""
    for source in inputs:
        if source and os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
            raise UsageError(f"{path} would replace {source}, which this command reads; choose another name")
