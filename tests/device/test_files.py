"""Files written whole or not at all, and what is said where the system refuses."""

import errno
import os

import pytest

from device.errors import EdgeError
from device.files import folder_for, whole_file, write_together, write_whole


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "free space or choose another place"),
        (errno.EDQUOT, "free space or choose another place"),
        (errno.EACCES, "choose another place"),
        (errno.EROFS, "choose another place"),
    ],
)
def test_space_is_to_be_freed_only_where_it_is_short(tmp_path, number, way_out):
    path = tmp_path / "one.txt"
    with pytest.raises(EdgeError) as raised, whole_file(path):
        raise OSError(number, "refused")
    assert str(raised.value) == f"cannot write {path}: refused; {way_out}"
    assert list(tmp_path.iterdir()) == []


def beside_another_program(folder):
    with folder_for(folder / "deeper"):
        write_whole(folder / "of another program", "")
        raise KeyboardInterrupt


def test_folders_made_for_what_failed_go_again_and_no_others(tmp_path):
    (tmp_path / "there").mkdir()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "there/new/deeper/one.txt"):
            raise KeyboardInterrupt
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
    with pytest.raises(KeyboardInterrupt):
        beside_another_program(tmp_path / "there/new")
    assert [path.name for path in (tmp_path / "there/new").iterdir()] == ["of another program"]


def test_files_that_belong_together_are_written_all_or_none(tmp_path):
    one, two = tmp_path / "new/one.txt", tmp_path / "new/two.txt"
    with pytest.raises(EdgeError, match="File name too long"):
        write_together({one: "one", tmp_path / ("x" * 300): "two"})
    assert list(tmp_path.iterdir()) == []
    write_together({one: "one", two: b"two"})
    assert (one.read_text(), two.read_bytes()) == ("one", b"two")
    with pytest.raises(EdgeError, match=r"two\.txt exists already"):
        write_together({tmp_path / "new/three.txt": "", two: ""}, overwrite=False)
    assert sorted(path.name for path in one.parent.iterdir()) == ["one.txt", "two.txt"]


def test_names_that_are_no_utf_8_are_escaped(tmp_path):
    write_whole(tmp_path / "page.html", os.fsdecode("<p>ü ".encode() + b"\xef"))
    assert (tmp_path / "page.html").read_text("utf-8") == "<p>ü \\udcef"
