"""Pictures whose labels stand in lists beside them."""

import json

import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import make_faces, write_image

NAMES = ("angry", "happy", "sad")


def pictures(folder, count=6, name="{}.png"):
    for number, face in enumerate(make_faces(count)):
        write_image(folder / name.format(number), face)


def labels_of(dataset):
    """Return class and split of each picture, by its file's name."""
    return {
        str(name).rpartition("/")[2]: (dataset.classes[label], str(split))
        for name, label, split in zip(dataset.names, dataset.labels, dataset.splits, strict=True)
    }


EXPECTED = {f"{number}.png": (NAMES[number % 3], "train") for number in range(6)}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,label", "{n}.png,{label}"),
        ("user.id;image;emotion", "628;{n}.png;{label}"),
        (",pth,label,relFCs", "{n},faces\\{n}.png,{label},0.5"),
        ("id,expression,split", "{n},{label},training"),
        ("sep=|\nid|expression", "{n}|{label}"),
        ("filename, angry, happy, sad", "{n}.png, {angry}, {happy}, {sad}"),
        ("annotator,choice,id,image", "1,{label},{n},/data/upload/1/{n}.png"),  # Label Studio's
        ("id,photo,emotion", "{row},{n}.png,{label}"),  # a row's number is no picture
        ("Image ID,photo,emotion", "{row},{n}.png,{label}"),
        ("Image Path,label,notes", "faces/{n}.png,{label},-"),
        ("Image Name,Emotion Label", "{n},{label}"),
    ],
)
@pytest.mark.parametrize("place", [".", "faces"])
def test_a_table_of_pictures_is_read(tmp_path, header, row, place):
    pictures(tmp_path / place)
    lines = [header]
    for number in range(6):
        label = NAMES[number % 3]
        one_hot = {name: int(name == label) for name in NAMES}
        lines.append(row.format(n=number, row=5 - number, label=label, **one_hot))
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    for path in (tmp_path, tmp_path / "labels.csv"):
        dataset = load_dataset(path)
        assert labels_of(dataset) == EXPECTED
        assert dataset.notes == ("the labels are read from labels.csv",)


@pytest.mark.parametrize(
    "row", ["img/{n}.png,{label}", '"img/{n}.png","{label}"', "img/{n}.png\t{label}\ttrain"]
)
def test_a_table_without_names_of_columns_is_a_list(tmp_path, row):
    pictures(tmp_path / "img")
    lines = [row.format(n=number, label=NAMES[number % 3]) for number in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    assert labels_of(load_dataset(tmp_path)) == EXPECTED
    (tmp_path / "labels.csv").write_text("\n".join([*lines[:5], row.format(n=5, label="")]))
    with pytest.raises(EdgeError, match=r"labels\.csv, row 6: expected a label"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(("one", "none"), [("1", "0"), ("1.0", "0.0"), ("True", "False")])
def test_a_row_that_is_not_one_hot_is_refused_by_its_number(tmp_path, one, none):
    pictures(tmp_path)
    lines = ["filename, angry, happy, sad"]
    lines += [
        ", ".join([f"{number}.png", *(one if name == NAMES[number % 3] else none for name in NAMES)])
        for number in range(6)
    ]
    (tmp_path / "_classes.csv").write_text("\n".join(lines))
    assert labels_of(load_dataset(tmp_path)) == EXPECTED
    for number, row in (
        (1, f"0.png,{none},{none},{none}"),
        (4, f"3.png,{one},{one},{none}"),
        (6, "5.png,0.7,0.3,0"),
    ):
        (tmp_path / "_classes.csv").write_text("\n".join([*lines[:number], row, *lines[number + 1 :]]))
        with pytest.raises(
            EdgeError, match=rf"_classes\.csv, row {number}: expected 1 in the column of its class"
        ):
            load_dataset(tmp_path)


def test_lists_by_split_are_splits_and_pictures_in_none_are_counted(tmp_path):
    pictures(tmp_path / "img", 8)
    lines = [f"img/{number}.png {NAMES[number % 3]}" for number in range(6)]
    (tmp_path / "train.txt").write_text("\n".join(lines[:4]))
    (tmp_path / "test.txt").write_text("\n".join(lines[4:]) + "\n")
    dataset = load_dataset(tmp_path)
    assert list(dataset.splits) == ["train"] * 4 + ["test"] * 2
    assert dataset.notes[-1] == "2 pictures in no list of labels, left out"


@pytest.mark.parametrize("between", [",", " ", "\t", "; "])
def test_a_line_may_end_in_its_split(tmp_path, between):
    pictures(tmp_path)
    lines = [
        between.join((f"{number}.png", NAMES[number % 3], "test" if number > 3 else "train"))
        for number in range(6)
    ]
    (tmp_path / "labels.txt").write_text("\n".join(lines))
    dataset = load_dataset(tmp_path)
    assert dataset.classes == NAMES
    assert list(dataset.splits) == ["train"] * 4 + ["test"] * 2


@pytest.mark.parametrize("rest", ["0 0 0 48 48 60.1 3", "happy,train,3", "happy,3"])
def test_a_line_with_further_columns_is_no_class_of_them_all(tmp_path, rest):
    """As in ExpW's label.lst, which gives a box for each face."""
    pictures(tmp_path)
    (tmp_path / "labels.txt").write_text("".join(f"{number}.png {rest}\n" for number in range(6)))
    with pytest.raises(EdgeError, match=r"labels\.txt, line 1: expected (a picture, its label|the split)"):
        load_dataset(tmp_path)


def test_json_lines_as_hugging_face_writes_them(tmp_path):
    pictures(tmp_path / "img")
    lines = [f'{{"file_name": "img/{n}.png", "label": "{NAMES[n % 3]}", "split": null}}' for n in range(6)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    dataset = load_dataset(tmp_path)
    assert labels_of(dataset) == EXPECTED
    assert dataset.notes == ("the labels are read from metadata.jsonl",)
    (tmp_path / "metadata.jsonl").write_text("\n".join([*lines[:3], '{"file_name": "img/3.png"}']))
    with pytest.raises(EdgeError, match=r"metadata\.jsonl, line 4: expected file_name and label"):
        load_dataset(tmp_path)


def test_the_full_export_of_label_studio(tmp_path):
    pictures(tmp_path / "images")
    tasks = [
        {
            "id": number,
            "annotations": [
                {"was_cancelled": taken_back, "result": [{"value": {"choices": [label]}, "type": "choices"}]}
                for taken_back, label in ((True, "fear"), (False, NAMES[number % 3]))
            ],
            "file_upload": f"{number}.png",
            "data": {"image": f"/data/upload/1/{number}.png", "Label": "neutral"},
        }
        for number in range(6)
    ]
    (tmp_path / "project-1.json").write_text(json.dumps(tasks))
    assert labels_of(load_dataset(tmp_path)) == EXPECTED
    tasks[5]["annotations"] = []
    (tmp_path / "project-1.json").write_text(json.dumps(tasks))
    with pytest.raises(EdgeError, match=r"project-1\.json, entry 6: expected"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("kind", ["names", "records"])
def test_labels_in_one_json_document(tmp_path, kind):
    pictures(tmp_path / "img")
    told = {f"{number}.png": NAMES[number % 3] for number in range(6)}
    records = [{"image": name, "emotion": label} for name, label in told.items()]
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(told if kind == "names" else records))
    for place in (tmp_path, path):
        dataset = load_dataset(place)
        assert labels_of(dataset) == EXPECTED
        assert dataset.notes == ("the labels are read from labels.json",)
    path.write_text(
        json.dumps(told | {"5.png": None} if kind == "names" else [*records[:5], {"image": "5.png"}])
    )
    with pytest.raises(EdgeError, match=r"labels\.json, entry 6: expected"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("image,label\n0.png,sad\n", "0.png is listed as 'sad' in train, and before as 'angry' in train"),
        ("image,label\n0.png,sad\n", "where a picture shows several faces, cut them out by their boxes"),
        ("image,label,split\n0.png,Anger,test\n", "as 'angry' in test, and before as 'angry' in train"),
    ],
)
def test_a_picture_that_is_listed_in_two_ways_is_refused(tmp_path, second, told):
    pictures(tmp_path)
    first = "".join(f"{number}.png,{NAMES[number % 3]}\n" for number in range(6))
    (tmp_path / "a.csv").write_text("image,label\n" + first)
    (tmp_path / "b.csv").write_text(second)
    with pytest.raises(EdgeError, match=told):
        load_dataset(tmp_path)
    (tmp_path / "b.csv").write_text("image,label\n0.png,Anger\n")
    assert labels_of(load_dataset(tmp_path)) == EXPECTED


def test_a_sample_submission_tells_no_labels(tmp_path):
    pictures(tmp_path)
    (tmp_path / "train.csv").write_text("image,label\n0.png,angry\n1.png,happy\n")
    (tmp_path / "sample_submission.csv").write_text(
        "image,label\n" + "".join(f"{n}.png,sad\n" for n in range(6))
    )
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("angry", "happy")
    assert "4 pictures in no list of labels, left out" in dataset.notes


def test_a_split_that_is_none_and_a_label_that_is_no_utf_8_are_refused(tmp_path):
    pictures(tmp_path)
    rows = "".join(f"{number}.png,{NAMES[number % 3]},tr\n" for number in range(6))
    (tmp_path / "labels.csv").write_text("image,label,split\n" + rows)
    with pytest.raises(
        EdgeError, match=r"row 1: expected the split train, validation or test; received 'tr'"
    ):
        load_dataset(tmp_path)
    (tmp_path / "labels.csv").write_bytes("image,label\n0.png,Überraschung\n1.png,sad\n".encode("latin-1"))
    with pytest.raises(EdgeError, match="a name in UTF-8; received '\ufffdberraschung'"):
        load_dataset(tmp_path)


def test_names_are_read_before_the_numbers_beside_them(tmp_path):
    pictures(tmp_path)
    rows = "".join(f"{number}.png,{number % 3},{NAMES[number % 3]}\n" for number in range(6))
    (tmp_path / "labels.csv").write_text("image,label,label_name\n" + rows)
    assert labels_of(load_dataset(tmp_path)) == EXPECTED


def test_numbers_in_one_split_and_expressions_in_another_are_refused(tmp_path):
    pictures(tmp_path)
    (tmp_path / "train.csv").write_text("image,label\n0.png,angry\n1.png,happy\n")
    (tmp_path / "test.csv").write_text("image,label\n2.png,0\n3.png,3\n")
    with pytest.raises(EdgeError, match=r"some classes are numbers \(0, 3\), others names \(angry, happy\)"):
        load_dataset(tmp_path)


def test_a_list_of_what_is_not_there_is_one_line(tmp_path):
    pictures(tmp_path, 2)
    (tmp_path / "labels.csv").write_text("image,label\n0.png,happy\n1.png,sad\n9.png,sad\n")
    with pytest.raises(EdgeError, match=r"1 of 2 images of class 'sad' are broken.*9\.png: No such file"):
        load_dataset(tmp_path)
    (tmp_path / "labels.csv").write_text("image,label\n0.png,\n")
    with pytest.raises(EdgeError, match="row 1: expected a label"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("image,lable", "has the columns image, lable; expected image and label (and split)"),
        ("Photo,mood,fold", "has the columns Photo, mood, fold; expected image and label (and split)"),
        ("", "is empty; expected image and label (and split)"),
    ],
)
@pytest.mark.parametrize("place", [".", "faces"])
def test_a_table_of_other_columns_is_named_with_them(tmp_path, header, told, place):
    pictures(tmp_path / place)
    rows = [f"{number}.png,{NAMES[number % 3]}" + ",1" * (header.count(",") - 1) for number in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join([header, *rows]) if header else "")
    for path in (tmp_path, tmp_path / "labels.csv"):
        with pytest.raises(EdgeError) as raised:
            load_dataset(path)
        assert f"labels.csv {told}" in str(raised.value)


def test_a_table_without_rows_is_said_to_list_nothing(tmp_path):
    pictures(tmp_path / "img")
    (tmp_path / "labels.csv").write_text("image,label\n")
    with pytest.raises(EdgeError, match=r"labels\.csv lists no picture; expected a row for each"):
        load_dataset(tmp_path)


def test_labels_of_many_pictures_are_those_of_the_list_as_it_is_now(tmp_path, monkeypatch):
    monkeypatch.setattr("toolkit.data.folders.class_folders.KEPT_FROM", 6)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pictures(tmp_path / "data")
    labels = tmp_path / "data/labels.csv"
    for classes in (("happy", "sad"), ("angry", "sad")):
        rows = "".join(f"{number}.png,{classes[number % 2]}\n" for number in range(6))
        labels.write_text("image,label\n" + rows)
        assert load_dataset(tmp_path / "data").counts() == dict.fromkeys(classes, 3)
    labels.write_text(labels.read_text() + "7.png,sad\n")
    with pytest.raises(EdgeError, match=r"1 of 4 images of class 'sad' are broken.*7\.png: No such file"):
        load_dataset(tmp_path / "data")
