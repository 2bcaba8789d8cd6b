"""Sinks that write a text file, which grows a row at a time."""

import os
import stat
from io import FileIO
from pathlib import Path

from device.errors import EdgeError
from device.files import hold, refuse_existing, refuse_full, refuse_unwritable, way_out
from device.sinks import Sink

KEPT_FREE_MB = 500  # of the disk, by rows that are added for weeks: a full one harms the whole board


class RowFile(Sink):
    """A sink whose ``write`` makes rows of a result and hands each to ``add``; the disk's refusals become one line.

    A row that the disk has no room for leaves nothing behind. With ``append`` a file that is there goes on, until less
    than ``KEPT_FREE_MB`` of the disk are free. ``header`` is a file's first line; one with another header is refused,
    with EdgeError as all else.
    """

    def __init__(
        self, path: str | Path, overwrite: bool = False, append: bool = False, header: str | None = None
    ):
        refuse_unwritable(path, overwrite or append)
        self.name = str(path)
        self.path, self.appending, self.header = Path(path), append, header
        self.overwrite = overwrite
        self._file: FileIO | None = None
        try:
            self._refuse_other_columns()
        except OSError as error:
            raise self._refused(error) from error

    def begin(self) -> None:
        """Open the file: without ``append`` it is empty from now on, but for its header.

        EdgeError where another program has written it meanwhile, unless it may be replaced.
        """
        refuse_existing(self.path, self.overwrite or self.appending)
        try:
            self._file = self._open()
        except OSError as error:
            raise self._refused(error) from error

    def add(self, row: str) -> None:
        """Write ``row``, a line without its end, on disk before this returns."""
        try:
            if self._file is None:
                self._file = self._open()
            if self.appending:
                refuse_full(self.path, KEPT_FREE_MB, begun=True)
            # Somebody else, such as logrotate, may have emptied it.
            if self.header is not None and _is_empty(self._file):
                row = f"{self.header}\n{row}"
            _write(self._file, row + "\n")
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> EdgeError:
        return EdgeError(f"cannot write {self.path}: {error.strerror}; {way_out(error)}")

    def _open(self) -> FileIO:
        file = FileIO(self.path, "a")
        try:
            hold(file, self.path)
            self._refuse_other_columns()
            if self.path.is_file() and not self.appending:
                file.truncate(0)
            header = "" if self.header is None else self.header + "\n"
            _write(file, self._torn_end() if self._goes_on() else header)
        except BaseException:
            file.close()
            raise
        return file

    def _goes_on(self) -> bool:
        return self.path.is_file() and self.path.stat().st_size > 0

    def _refuse_other_columns(self) -> None:
        if self.header is None or not self.appending or not self._goes_on():
            return
        with open(self.path, "rb") as file:
            header = file.readline().decode(errors="replace").rstrip("\r\n")
        if self.header != header:
            raise EdgeError(f"{self.path} has other columns than this model gives; name another file")

    def _torn_end(self) -> str:
        """Return what ends the last row that is there: nothing, or a line end if a power cut left half a row."""
        with open(self.path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return "" if file.read() == b"\n" else "\n"

    def close(self) -> None:
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:  # a disk over the network may refuse here what it took before
            raise EdgeError(f"cannot finish {self.path}: {error.strerror}; {way_out(error)}") from error


def _is_empty(file: FileIO) -> bool:
    """Return whether ``file`` is one on a disk, and empty."""
    found = os.fstat(file.fileno())
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _write(file: FileIO, text: str) -> None:
    """Write all of ``text``, or none where ``file`` is one on a disk; OSError where it is refused."""
    before = os.fstat(file.fileno())
    rest = text.encode()
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        if stat.S_ISREG(before.st_mode):
            file.truncate(before.st_size)
        raise
