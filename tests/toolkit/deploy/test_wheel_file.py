"""Wheels as ``toolkit deploy`` takes them: what is none of fer-edge, damaged or a bomb goes to no host."""

import os
import zipfile

import pytest

from device.errors import EdgeError
from toolkit.deploy.fleet import make_parcel
from toolkit.deploy.wheel import verify_wheel

NAME = "fer_edge-1.2-py3-none-any.whl"
METADATA = "fer_edge-1.2.dist-info/METADATA"
TOLD = "Metadata-Version: 2.1\nName: fer-edge\nVersion: 1.2\n"


def wheel(folder, name=NAME, told=TOLD, **members):
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {METADATA: told, "device/__init__.py": "x = 1\n" * 100, **members}.items():
            archive.writestr(member, content)
    return folder / name


def flipped(path):
    data = bytearray(path.read_bytes())
    data[data.rfind(b"device/__init__.py", 0, data.find(b"PK\x01\x02")) + 24] ^= 0xFF
    path.write_bytes(data)
    return path


def emptied(path):
    path.write_bytes(b"")
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])
    return path


def pipe(path):
    path.unlink()
    os.mkfifo(path)
    return path


def large(path):
    with open(path, "r+b") as file:
        file.truncate(1 << 40)
    return path


HOSTILE = {
    "another name": (lambda folder: wheel(folder, "evil-1.2-py3-none-any.whl"), "no wheel of fer-edge"),
    "another machine's": (lambda folder: wheel(folder, "fer_edge-1.2-cp311-cp311-win32.whl"), "no wheel of fer-edge"),
    "a shell's words": (lambda folder: wheel(folder, "fer_edge-1.2-py3-none-any.whl;reboot"), "no wheel of fer-edge"),
    "another package": (lambda folder: wheel(folder, told="Name: evil\nVersion: 1.2\n"), "it calls itself evil 1.2"),
    "another version": (lambda folder: wheel(folder, told="Name: fer-edge\nVersion: 9\n"), "calls itself fer-edge 9"),
    "no metadata": (lambda folder: wheel(folder, "fer_edge-1.3-py3-none-any.whl"), "There is no item named"),
    "a member above": (lambda folder: wheel(folder, **{"../../.bashrc": "x"}), "leads out of its folder"),
    "a member of the root": (lambda folder: wheel(folder, **{"/etc/cron.d/x": "x"}), "leads out of its folder"),
    "a bomb": (lambda folder: wheel(folder, **{"a": bytes(60 << 20), "b": bytes(60 << 20)}), "unpack to over 100 MB"),
    "a flipped byte": (lambda folder: flipped(wheel(folder)), "damaged wheel"),
    "nothing": (lambda folder: emptied(wheel(folder)), "not a zip file"),
    "a part": (lambda folder: cut(wheel(folder)), "not a zip file"),
    "a pipe": (lambda folder: pipe(wheel(folder)), "it is no regular file"),
    "1 TB": (lambda folder: large(wheel(folder)), "over 100 MB"),
    "none": (lambda folder: folder / NAME, "No such file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_wheel_of_ours_is_one_line(tmp_path, kind, tiny_tflite):
    make, words = HOSTILE[kind]
    with pytest.raises(EdgeError, match=words) as raised:
        make_parcel(str(tiny_tflite), str(make(tmp_path)), "python3", 10)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [NAME, "fer_edge-1.2-1-py3-none-any.whl"])
def test_a_whole_wheel_is_taken(tmp_path, name):
    verify_wheel(wheel(tmp_path, name))
