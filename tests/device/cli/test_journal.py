"""Lines for systemd's journal carry their level, and no others do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = Path(sys.executable).with_name("device")
WARNS = ("run", "--source", "demo:2", "--save-frames", "pictures")


def standard_error(arguments, folder: Path, to_journal: bool) -> list[str]:
    """Run ``device`` with a pipe for standard error, which JOURNAL_STREAM names as systemd does."""
    reader, writer = os.pipe()
    there = os.fstat(writer)
    inode = there.st_ino if to_journal else there.st_ino + 1
    environment = {**os.environ, "JOURNAL_STREAM": f"{there.st_dev}:{inode}"}
    subprocess.run(
        [DEVICE, *arguments], cwd=folder, stderr=writer, stdout=subprocess.DEVNULL, env=environment
    )
    os.close(writer)
    with open(reader) as lines:
        return lines.read().splitlines()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (WARNS, "<4>warning: --save-frames stores"),
        (("info", "missing.tflite"), "<3>error: "),
        (
            ("run", "--source", "demo:2", "--mqtt", "127.0.0.1:9"),
            "<3>error: mqtt://127.0.0.1:9/fer-edge has not",
        ),
    ],
)
def test_the_level_is_told_to_the_journal_alone(arguments, line, tmp_path):
    assert any(one.startswith(line) for one in standard_error(arguments, tmp_path, to_journal=True))
    (tmp_path / "elsewhere").mkdir()
    told = standard_error(arguments, tmp_path / "elsewhere", to_journal=False)
    assert any(one.startswith(line[3:]) for one in told)
