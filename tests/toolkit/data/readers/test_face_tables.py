"""fer2013.csv, with and without the FER+ votes."""

import gzip
import re
import zipfile

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.readers.face_tables import parse_pixels
from toolkit.data.readers.loading import load_dataset

from ..conftest import csv_row, make_faces, write_csv


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
    write_csv(path, [(n % 7, "0 " * 1000, "Training") for n in range(50)])
    with pytest.raises(EdgeError, match=r"broken, over 1%.*expected 2304 pixels, received 1000"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((8, "0", "Training"), "row 21: expected an emotion from 0 to 7 .* received '8'.*classes.txt"),
        (
            (-1, "0", "Training"),
            "row 21: expected a label, a number from 0 or a name in UTF-8; received '-1'",
        ),
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
    with pytest.raises(
        EdgeError, match=r"expected the header emotion,pixels,Usage|as CSV|is one picture; name"
    ) as caught:
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


PIXELS = {
    "commas": lambda text: text.replace(" ", ","),
    "a list": lambda text: f"[{text.replace(' ', ', ')}]",
    "an array": lambda text: f"[{text}]",
    "new lines": lambda text: text.replace(" ", "\n", 40),
    "with a point": lambda text: " ".join(f"{one}.0" for one in text.split()),
    "0 to 1": lambda text: " ".join(f"{int(one) / 255:.5f}" for one in text.split()),
}


@pytest.mark.parametrize("way", PIXELS)
def test_pixels_in_any_spelling_are_the_same_face(tmp_path, faces, way):
    rows = [(number % 7, PIXELS[way](csv_row(0, face, "")[1])) for number, face in enumerate(faces)]
    write_csv(tmp_path / "faces.csv", rows, ("label", "pixels"))
    assert np.array_equal(load_dataset(tmp_path / "faces.csv").images, faces)


def test_a_column_a_pixel_and_a_table_without_header_are_read(tmp_path, faces):
    header = ("", "emotion", *(f"pixel{number}" for number in range(2304)), "Usage")
    rows = [(number, number % 7, *face.ravel(), "test") for number, face in enumerate(faces)]
    write_csv(tmp_path / "wide.csv", rows, header)
    dataset = load_dataset(tmp_path / "wide.csv")
    assert np.array_equal(dataset.images, faces)
    assert set(dataset.splits) == {"test"}
    write_csv(tmp_path / "bare.csv", [csv_row(n % 7, face, "")[:2] for n, face in enumerate(faces)][1:],
              csv_row(0, faces[0], "")[:2])  # fmt: skip
    assert np.array_equal(load_dataset(tmp_path / "bare.csv").images, faces)


def packed(way, content):
    return {
        "utf-16": lambda: content.decode().encode("utf-16"),
        "returns": lambda: content.replace(b"\r\n", b"\r"),
        "gzip": lambda: gzip.compress(content),
        "a table of Excel's with a mark": lambda: b"\xef\xbb\xbf" + content,
    }[way]()


@pytest.mark.parametrize("way", ["utf-16", "returns", "gzip", "a table of Excel's with a mark"])
def test_a_table_is_read_however_it_was_saved(kaggle_csv, faces, way):
    kaggle_csv.write_bytes(packed(way, kaggle_csv.read_bytes()))
    assert np.array_equal(load_dataset(kaggle_csv).images, faces)


def test_a_zip_around_one_table_is_read_and_a_folder_that_holds_it(kaggle_csv, faces):
    folder = kaggle_csv.parent / "download"
    folder.mkdir()
    with zipfile.ZipFile(folder / "fer2013.csv.zip", "w") as archive:
        archive.write(kaggle_csv, "fer2013.csv")
        archive.writestr("__MACOSX/._fer2013.csv", "x")
    assert np.array_equal(load_dataset(folder).images, faces)


def test_faces_of_another_square_are_resized_and_a_row_cut_off_is_no_small_face(tmp_path, faces):
    rows = [(number % 2, " ".join(["9"] * 32 * 32)) for number in range(200)]
    rows[7] = (1, " ".join(["9"] * 24 * 24))
    write_csv(tmp_path / "small.csv", rows, ("emotion", "pixels"))
    dataset = load_dataset(tmp_path / "small.csv")
    assert dataset.formats == {"32x32 gray": 199}
    assert dataset.broken[0].reason == "expected 1024 pixels, received 576"


def test_tables_of_different_sizes_tell_each_of_them(tmp_path):
    for name, side, count in (("train.csv", 32, 3), ("test.csv", 24, 2)):
        rows = [(number % 2, " ".join(["9"] * side * side)) for number in range(count)]
        write_csv(tmp_path / name, rows, ("emotion", "pixels"))
    assert load_dataset(tmp_path).formats == {"32x32 gray": 3, "24x24 gray": 2}


def test_labels_are_any_names_contempt_too_or_named_beside(tmp_path, faces):
    def rows(labels):
        return [csv_row(label, face, "train") for label, face in zip(labels, faces, strict=False)]

    path = tmp_path / "t.csv"
    write_csv(path, rows(["bored", "Anger", "engaged"]))
    assert load_dataset(path).classes == ("angry", "bored", "engaged")
    write_csv(path, rows([0, 7, 3]))
    dataset = load_dataset(path)
    assert [dataset.classes[one] for one in dataset.labels] == ["angry", "contempt", "happy"]
    assert "read in FER2013's order: 0 angry, 3 happy, 7 contempt" in dataset.notes[0]
    write_csv(path, rows(range(8)))  # FER+ and AffectNet have eight classes, each in an order of its own
    assert "read in FER2013's order: 0 angry, 1 disgust" in load_dataset(path).notes[0]
    write_csv(path, rows(range(7)))
    assert load_dataset(path).notes == ()
    write_csv(path, rows(range(1, 7)))  # all but 'angry', or counted from 1
    assert (
        "read in FER2013's order: 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise"
        in load_dataset(path).notes[0]
    )
    write_csv(path, rows(range(6)))
    assert not any("FER2013's order" in note for note in load_dataset(path).notes)
    write_csv(path, rows(range(1, 8)))
    with pytest.raises(EdgeError, match=r"run from 1 to 7.*classes\.txt"):
        load_dataset(path)
    (tmp_path / "classes.txt").write_text("surprise\nfear\ndisgust\nhappy\nsad\nangry\nneutral\n")
    dataset = load_dataset(path)
    assert dataset.classes[dataset.labels[0]] == "surprise"


def test_tables_by_split_in_one_folder_are_one_data_set(kaggle_csv, faces):
    folder = kaggle_csv.parent / "tables"
    folder.mkdir()
    for name in ("train.csv", "test.csv"):
        write_csv(
            folder / name,
            [csv_row(n % 7, face, "")[:2] for n, face in enumerate(faces)],
            ("emotion", "pixels"),
        )
    (folder / "example_submission.csv").write_text("id,emotion\n1,0\n")
    dataset = load_dataset(folder)
    assert dataset.present_splits() == ("train", "test")
    assert (len(dataset), dataset.names[0]) == (42, "test.csv, row 1")
    kaggle_csv.rename(folder / "icml_face_data.csv")
    with pytest.raises(
        EdgeError, match=r"several tables of faces: icml_face_data\.csv, test\.csv, train\.csv; name"
    ):
        load_dataset(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer.*git lfs pull"),
        ("x.csv", b"<!DOCTYPE html>", "a web page"),
        ("x.tar.gz", gzip.compress(b"x", mtime=0), "a gzip archive; unpack"),
        ("X.npy", b"\x93NUMPY\x01", "a numpy array; write"),
        ("x.pkl", b"\x80\x04\x95", "a pickle, which is not opened"),
        (
            "x.csv",
            b"emotion,pixels\n0,1,2,3\n",
            "row 1: expected 2 columns, as in its header; received 4; put quotes",
        ),
    ],
)
def test_what_is_no_table_is_named_with_the_way_out(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    for path in (tmp_path / name, tmp_path):
        with pytest.raises(EdgeError, match=message):
            load_dataset(path)


@pytest.mark.parametrize("numbering", ["id", "", "Unnamed: 0", "index"])
def test_the_number_of_a_row_is_no_pixel(tmp_path, numbering):
    header = ",".join([numbering, "label", *(f"px{number}" for number in range(2304))])
    faces = make_faces(4)
    rows = [",".join(map(str, [n, n % 2, *face.ravel()])) for n, face in enumerate(faces)]
    (tmp_path / "faces.csv").write_text("\n".join([header, *rows]))
    assert np.array_equal(load_dataset(tmp_path).images[:], faces)


def test_rows_without_faces_come_to_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("toolkit.data.files.broken.MOST_BROKEN", 50)
    write_csv(tmp_path / "faces.csv", [(1, "7 " * 300, "Training")] * 60)
    with pytest.raises(
        EdgeError, match="over 50 rows without a face; row 51: expected 2304 pixels, received 300"
    ):
        load_dataset(tmp_path / "faces.csv", lenient=True)


def test_a_pixel_that_is_no_number_is_no_face():
    with pytest.raises(ValueError, match="expected pixels from 0 to 255, received nan"):
        parse_pixels(" ".join(["nan", *["0.5"] * 2303]))
