"""Where temporary files find no room, that is said, and no model is called damaged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.toolkit

TOOLKIT = Path(sys.executable).with_name("toolkit")
EVALUATE = ("evaluate", "--data", "synthetic", "--model")
FULL = "mount -t tmpfs -o size=16k none {folder}"
NOWHERE = 'for one in /tmp /var/tmp; do mount -t tmpfs -o ro none "$one"; done; cd /proc'


def mounted(mounts: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """Run ``toolkit`` in a mount namespace of its own, after ``mounts`` in a shell's words."""
    command = ["unshare", "-r", "-m", "sh", "-c", f'{mounts}; exec "$@"', "sh", TOOLKIT, *arguments]
    if subprocess.run(["unshare", "-r", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]).returncode:
        pytest.skip("this system gives no mount namespace")
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_a_full_disk_for_temporary_files_is_no_damaged_model(tiny_keras, tmp_path):
    done = mounted(FULL.format(folder=tmp_path), *EVALUATE, tiny_keras, TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        f"error: cannot write in {tmp_path}: No space left on device; free space there, or let TMPDIR name another "
        "folder",
    )


def test_no_folder_for_temporary_files_is_one_line(tmp_path):
    if TOOLKIT.is_relative_to("/tmp") or TOOLKIT.is_relative_to("/var/tmp"):
        pytest.skip("the program itself lies in a folder that is taken away")
    model = Path(__file__).parents[2] / "models/small.keras"
    done = mounted(NOWHERE, *EVALUATE, model)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "error: no folder for temporary files can be written; let TMPDIR name one that can",
    )
