"""JSON Lines: a row a frame, on disk as soon as it is written."""

import json
from pathlib import Path

from device.errors import EdgeError
from device.files import refuse_existing
from device.results import FrameResult


class RowFile:
    """A text file that grows a row at a time; the disk's refusals become one line."""

    def __init__(self, path: str | Path, overwrite: bool = False):
        refuse_existing(path, overwrite)
        self.path = Path(path)
        try:
            self._file = open(self.path, "w", encoding="utf-8", newline="")  # noqa: SIM115
        except OSError as error:
            raise EdgeError(f"cannot write {path}: {error.strerror}; choose another place") from error

    def append(self, row: str) -> None:
        try:
            self._file.write(row + "\n")
            self._file.flush()
        except OSError as error:
            raise EdgeError(
                f"cannot write {self.path}: {error.strerror}; free space or choose another place"
            ) from error

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # what a full disk refused before is refused again
            raise EdgeError(f"cannot finish {self.path}: {error.strerror}") from error


class JsonLinesSink:
    """Writes ``FrameResult.to_json()`` a line."""

    def __init__(self, path: str | Path, overwrite: bool = False):
        self.name = str(path)
        self._rows = RowFile(path, overwrite)

    def write(self, result: FrameResult) -> None:
        self._rows.append(json.dumps(result.to_json(), separators=(",", ":")))

    def close(self) -> None:
        self._rows.close()
