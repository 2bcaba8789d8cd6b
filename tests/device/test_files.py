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


def written_late(path):
    with whole_file(path, overwrite=False) as partial:
        partial.write_text("late")
        write_whole(path, "first", overwrite=False)


def test_what_another_program_wrote_meanwhile_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "one.txt"
    with pytest.raises(EdgeError, match=r"one\.txt exists already"):
        written_late(path)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("one.txt", "first")]


@pytest.mark.parametrize("name", ["x" * 250 + ".json", "ü" * 124 + ".tflite", "x." + "y" * 235])
def test_a_name_may_be_as_long_as_the_system_takes(tmp_path, name):
    write_whole(tmp_path / name, "there", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_told_before_the_work(tmp_path):
    with pytest.raises(EdgeError, match="File name too long"), whole_file(tmp_path / ("x" * 256)):
        pytest.fail("the work began")


def test_names_that_are_no_utf_8_are_escaped(tmp_path):
    write_whole(tmp_path / "page.html", os.fsdecode("<p>ü ".encode() + b"\xef"))
    assert (tmp_path / "page.html").read_text("utf-8") == "<p>ü \\udcef"
