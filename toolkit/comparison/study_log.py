"""Optuna's log of a study on a disk that fills and among workers that are killed."""

import os
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from device.errors import EdgeError
from device.files import way_out


class StudyLog(JournalFileBackend):
    """Optuna's log of a study; half a line, left by a full disk, is cut off before the next one is written."""

    def __init__(self, path: Path):
        # By its usual lock, a link, Optuna waits for a killed worker forever: it looks at where the link leads.
        self.path, self.lock = path, JournalFileOpenLock(str(path))
        super().__init__(str(path), self.lock)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write ``logs``; EdgeError where the disk refuses it."""
        try:
            self.lock.acquire()
            try:
                _cut_half_line(self.path)
            finally:
                self.lock.release()
            super().append_logs(logs)
        except OSError as error:
            raise EdgeError(f"cannot write {self.path}: {error.strerror}; {way_out(error)}") from error


def _cut_half_line(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(max(0, os.path.getsize(path) - 1))
        if file.read() not in (b"", b"\n"):
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
