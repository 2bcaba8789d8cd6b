"""Files written whole or not at all, and what is said where the system refuses."""

import errno

import pytest

from device.errors import EdgeError
from device.files import whole_file


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
