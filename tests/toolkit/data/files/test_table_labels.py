"""Labels as tables and lists have them."""

import pytest

from toolkit.data.files.table_labels import label_text


@pytest.mark.parametrize(
    ("value", "label"),
    [(3, "3"), (3.0, "3"), ("3.0", "3"), (" Happy ", "Happy"), (0, "0"), (-1, ""), ("-1", ""), (2.5, ""), (True, ""),
     (None, ""), (float("nan"), ""), ([1], "")],
)  # fmt: skip
def test_a_label_is_a_number_from_0_up_or_a_name(value, label):
    assert label_text(value) == label
