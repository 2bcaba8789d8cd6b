"""Classes that go by numbers, and the list beside them that names them."""

import pytest

from device.errors import EdgeError
from toolkit.data.files.class_numbers import class_of_number


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("6 neutral\n3 happy\n2 fear\n2 angry\n", "'2 angry' repeats the number of another line"),
        ("3 happy\n2 fear\n0 Happy\n6 neutral\n", "names a class twice"),
        ("3 happy\n2 happy\n0 angry\n6 neutral\n", "'2 happy' repeats the name of another line"),
        ("3 happy\nfear\n0 angry\n6 neutral\n", "'fear' has no number, other lines have one"),
        ("number name\n0 angry\n2 fear\n3 happy\n", "'number name' has no number"),
        ("angry\nfear\nhappy\nangry\n", "names a class twice"),
    ],
)
def test_a_list_with_one_slip_is_refused_and_turns_no_label_around(tmp_path, lines, told):
    (tmp_path / "classes.txt").write_text(lines)
    with pytest.raises(EdgeError, match=rf"classes\.txt:? .*{told}"):
        class_of_number(tmp_path, {"0", "2", "3", "6"})


def test_comments_are_passed_over(tmp_path):
    (tmp_path / "classes.txt").write_text("# number name\n3 happy\n\n0 angry\n")
    assert class_of_number(tmp_path, {"0", "3"}) == {"0": "angry", "3": "happy"}
    (tmp_path / "classes.txt").write_text("# in order\nlevel 7\nlevel 9\n")
    assert class_of_number(tmp_path, {"0", "1"}) == {"0": "level 7", "1": "level 9"}
