"""fer2013.csv, with and without the FER+ votes."""

import re

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.ferplus import label_shares
from toolkit.data.loading import load_dataset

from .conftest import csv_row, write_csv


def test_rows_become_faces(kaggle_csv, faces):
    dataset = load_dataset(kaggle_csv)
    assert np.array_equal(dataset.images, faces)
    assert dataset.classes == FER2013_CLASSES
    assert list(dataset.labels) == [number // 3 for number in range(21)]
    assert list(dataset.splits[:3]) == ["train", "validation", "test"]
    assert dataset.votes is None
    assert np.array_equal(load_dataset(kaggle_csv.parent).images, faces)


def test_the_columns_may_stand_in_another_order_and_usage_be_missing(tmp_path, faces):
    path = tmp_path / "icml.csv"
    rows = [("Training", csv_row(n % 7, face, "")[1], n % 7) for n, face in enumerate(faces)]
    write_csv(path, rows, ("Usage", " pixels", "emotion"))
    assert np.array_equal(load_dataset(path).images, faces)
    write_csv(path, [row[1:] for row in rows], ("pixels", "emotion"))
    assert set(load_dataset(path).splits) == {"train"}


def test_votes_stand_beside_their_faces(ferplus_csv):
    dataset = load_dataset(ferplus_csv.with_name("fer2013.csv"))
    assert dataset.votes.shape == (21, 10)
    assert np.allclose(label_shares(dataset), 0.8)


def test_votes_of_other_faces_are_refused(ferplus_csv):
    lines = ferplus_csv.read_text().splitlines()
    ferplus_csv.write_text("\n".join(lines[:-1]))
    with pytest.raises(EdgeError, match="20 rows of votes, the faces beside it have 21"):
        load_dataset(ferplus_csv.with_name("fer2013.csv"))
    ferplus_csv.write_text("a,b\n1,2\n")
    with pytest.raises(EdgeError, match=r"no FER\+ votes"):
        load_dataset(ferplus_csv.with_name("fer2013.csv"))


def test_a_votes_file_named_as_data_says_so(ferplus_csv):
    with pytest.raises(EdgeError, match=r"FER\+ votes and no faces"):
        load_dataset(ferplus_csv)


def many_rows(faces, count):
    return [csv_row(number % 2, faces[number % len(faces)], "Training") for number in range(count)]


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [("1 2 3", "expected 2304 pixels, received 3"), ("", "received 0"), ("300 " * 2304, "300 to 300"),
     ("12 " * 2303 + "x", "received something else|received 2303"), ("-1 " * 2304, "-1 to -1")],
)  # fmt: skip
def test_one_bad_row_in_a_hundred_keeps_the_others_and_their_votes_in_line(tmp_path, faces, pixels, reason):
    rows = many_rows(faces, 240)
    rows[4] = (0, pixels, "Training")
    path = tmp_path / "fer2013.csv"
    write_csv(path, rows)
    votes = [("Training", "", *([0] * 9), number % 11) for number in range(240)]
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    write_csv(tmp_path / "fer2013new.csv", votes, header.split(","))
    dataset = load_dataset(path)
    assert len(dataset) == 239
    assert dataset.broken[0].name == "row 5"
    assert re.search(reason, dataset.broken[0].reason)
    assert list(dataset.names[3:5]) == ["row 4", "row 6"]
    assert list(dataset.votes[3:6, 9]) == [3, 5, 6]


def test_wrong_pixel_counts_throughout_are_fatal(tmp_path, faces):
    path = tmp_path / "fer2013.csv"
    write_csv(path, [(n % 7, "0 " * 1024, "Training") for n in range(50)])
    with pytest.raises(EdgeError, match=r"broken, over 1%.*expected 2304 pixels, received 1024"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((7, "0", "Training"), "row 21: expected an emotion from 0 to 6 .* received '7'"),
        (("zebra", "0", "Training"), "received 'zebra'"),
        ((1, "0", "Holdout"), "expected the usage Training, PublicTest or PrivateTest; received 'Holdout'"),
        ((1,), "row 21: expected at least 3 columns; received 1"),
        ((1, "0"), "row 21: expected at least 3 columns; received 2"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path, faces, row, message):
    path = tmp_path / "fer2013.csv"
    write_csv(path, [*many_rows(faces, 20), row])
    with pytest.raises(EdgeError, match=message):
        load_dataset(path)


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"a,b,c\n1,2,3\n", bytes(range(256)) * 9]
)
def test_a_foreign_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(EdgeError, match=r"expected the header emotion,pixels,Usage|as CSV") as caught:
        load_dataset(path)
    assert len(str(caught.value)) < 400


def test_a_header_without_rows_is_refused(tmp_path):
    write_csv(tmp_path / "fer2013.csv", [])
    with pytest.raises(EdgeError, match="a header and no faces"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("label", ["happy", "Happiness", "3", "3.0"])
def test_other_separators_names_and_float_labels_are_read(tmp_path, faces, separator, label):
    lines = [separator.join(("emotion", "pixels", "Usage"))]
    for name in (label, "sad"):
        lines += [separator.join((name, " ".join(map(str, faces[0].ravel())), "Training"))]
    (tmp_path / "fer2013.csv").write_text("\n".join(lines))
    dataset = load_dataset(tmp_path / "fer2013.csv")
    assert [dataset.classes[one] for one in dataset.labels] == ["happy", "sad"]
