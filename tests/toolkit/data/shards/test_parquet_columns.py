"""Which columns of a parquet file hold pictures and labels, and what the labels mean."""

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is missing; pip install pyarrow")
import pyarrow.parquet as pq

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import png
from .test_parquet import NAMES, cache, write  # noqa: F401  # every test has a cache of its own


@pytest.mark.parametrize(
    ("label_type", "labels"),
    [
        (pa.string(), ["Anger", "happy", "sad"]),
        (pa.dictionary(pa.int32(), pa.string()), ["Anger", "happy", "sad"]),
    ],
)
def test_labels_may_be_names(label_type, labels, tmp_path, faces):
    write(tmp_path / "a.parquet", [png(face) for face in faces[:3]], labels, None, label_type)
    assert load_dataset(tmp_path / "a.parquet").classes == ("angry", "happy", "sad")


def test_numbers_without_names_are_named_as_folders_are(tmp_path, faces):
    write(tmp_path / "d" / "a.parquet", [png(face) for face in faces[:4]], [1.0, 2, 1, 2], None, pa.float64())
    dataset = load_dataset(tmp_path / "d")
    assert dataset.classes == ("1", "2")
    assert "classes.txt with a line a class" in " ".join(dataset.notes)
    (tmp_path / "d" / "classes.txt").write_text("surprise\nfear\n")
    dataset = load_dataset(tmp_path / "d")
    assert dataset.counts() == {"fear": 2, "surprise": 2}
    assert dataset.labels.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("columns", "labels", "names"),
    [(("view", "mood"), [0, 1, 2], NAMES), (("img", "Emotion"), ["anger", "happy", "sad"], None)],
)
def test_columns_of_other_names_are_found_by_the_schema_or_by_usual_names(
    tmp_path, faces, columns, labels, names
):
    kind = None if names else pa.string()
    write(tmp_path / "a.parquet", [png(face) for face in faces[:3]], labels, names, kind, columns)
    assert load_dataset(tmp_path / "a.parquet").classes == ("angry", "happy", "sad")


def test_of_two_columns_without_a_schema_the_expression_goes_before_the_label(tmp_path, faces):
    images = pa.array([{"bytes": png(face), "path": None} for face in faces[:4]])
    columns = {"image": images, "label": ["anna", "ben", "anna", "ben"], "emotion": ["happy", "sad"] * 2}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert load_dataset(tmp_path / "a.parquet").classes == ("happy", "sad")


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 1, 3], NAMES, r"row 3: expected a label from 0 to 2 \(anger, happiness, sad\); received 3"),
        ([0, -1, 1], NAMES, r"row 2: expected a label from 0 to 2 .*received -1.*leave out a split"),
        ([0, 1, None], NAMES, "row 3: expected a label from 0 to 2"),
        ([0, 1, None], None, "row 3: expected a label, a number from 0 or a name in UTF-8; received 'None'"),
        ([0, 1, -2], None, "row 3: expected a label, a number from 0 or a name in UTF-8; received '-2'"),
        ([1, 1, 1], NAMES, "expected faces of at least two classes"),
    ],
)
def test_a_label_out_of_range_is_one_line(labels, names, message, tmp_path, faces):
    write(tmp_path / "a.parquet", [png(face) for face in faces[:3]], labels, names)
    with pytest.raises(EdgeError, match=message) as refused:
        load_dataset(tmp_path / "a.parquet")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"image": [b""], "mood": [0]}, "expected one column 'label'; it has: image, mood"),
        ({"pixels": ["0 0"], "label": [0]}, "expected one column 'image'; it has: pixels, label"),
        ({"pixels": ["0 0"], "emotion": [0]}, "rename the columns, or save a table of pixels as CSV"),
        ({"image": ["a.png"], "label": [0]}, "column 'image' is string; expected image files"),
        (
            {"image": [{"path": "a.png"}], "label": [0]},
            "column 'image' is struct<path: string>; expected image files",
        ),
        ({"image": [b""], "label": [[0, 1]]}, "column 'label' is list.*; expected a class for each row"),
    ],
)
def test_other_columns_are_said(table, message, tmp_path):
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(EdgeError, match=message):
        load_dataset(tmp_path / "a.parquet")
