"""Files written whole or not at all, and what is said where the system refuses."""

import errno

import pytest

from device.errors import EdgeError
from device.files import folder_for, whole_file, write_whole


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
