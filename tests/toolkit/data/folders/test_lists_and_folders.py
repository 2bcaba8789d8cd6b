"""Lists of labels beside folders: which of the two tells the classes."""

import pytest

from toolkit.data.readers.loading import load_dataset

from .test_picture_lists import NAMES, labels_of, pictures


def test_a_table_with_the_pixels_of_faces_lists_no_pictures(tmp_path):
    pictures(tmp_path / "happy", 2)
    pictures(tmp_path / "sad", 2)
    pixels = " ".join(["128"] * 2304)
    (tmp_path / "fer.csv").write_text(f"emotion,pixels,Usage\n3,{pixels},Training\n")
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == {"happy": 2, "sad": 2}
    assert not any("128 128" in note for note in dataset.notes)


NAMED = {
    "numbers": (0, 1, 2),
    "another language": ("Wut", "Freude", "Trauer"),
    "classes of one's own": ("negative", "positive", "negative"),
    "expressions": NAMES,
}


@pytest.mark.parametrize("names", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_list_goes_before_folders_across_which_its_labels_stand(tmp_path, names, kind):
    told = {}
    for part in range(2):
        pictures(tmp_path / "images" / f"part{part}", name=f"{part}_{{}}.png")
        told |= {f"images/part{part}/{part}_{number}.png": names[number % 3] for number in range(6)}
    row = {"csv": "{0},{1}", "jsonl": '{{"file_name": "{0}", "label": "{1}"}}'}[kind]
    lines = ["image,label"] * (kind == "csv") + [row.format(*pair) for pair in told.items()]
    (tmp_path / f"labels.{kind}").write_text("\n".join(lines))
    assert {name: label for name, (label, _) in labels_of(load_dataset(tmp_path)).items()} == {
        name.rpartition("/")[2]: str(label) for name, label in told.items()
    }
    (tmp_path / f"labels.{kind}").write_text("\n".join(lines[:5]))  # of a third of the pictures
    if names == NAMES:
        assert load_dataset(tmp_path).notes[-1].endswith("pictures in no list of labels, left out")
    else:
        assert load_dataset(tmp_path).classes == ("part0", "part1")


def test_a_list_that_contradicts_folders_of_expressions_is_said(tmp_path):
    pictures(tmp_path / "happy", 2, "h{}.png")
    pictures(tmp_path / "sad", 2, "s{}.png")
    rows = ["image,label", "happy/h0.png,happy", "happy/h1.png,sad", "sad/s0.png,happy", "sad/s1.png,sad"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == {"happy": 2, "sad": 2}
    assert any(
        note.startswith("labels.csv tells another class than the folders of 2 pictures")
        for note in dataset.notes
    )
    assert labels_of(load_dataset(tmp_path / "labels.csv"))["h1.png"] == ("sad", "train")
    (tmp_path / "labels.csv").write_text("image,label\nhappy/h0.png,happy\nsad/s0.png,sad\n")
    assert not any("another class" in note for note in load_dataset(tmp_path).notes)


def test_pictures_of_one_name_in_two_splits_are_two(tmp_path):
    for split in ("train", "test"):
        pictures(tmp_path / split)
        rows = [f"{number}.png,{NAMES[(number + (split == 'test')) % 3]}" for number in range(6)]
        (tmp_path / f"{split}.csv").write_text("\n".join(["image,label", *rows]))
    dataset = load_dataset(tmp_path)
    assert len(dataset) == 12
    found = {
        str(name): (dataset.classes[label], str(split))
        for name, label, split in zip(dataset.names, dataset.labels, dataset.splits, strict=True)
    }
    assert found["train/0.png"] == ("angry", "train")
    assert found["test/0.png"] == ("happy", "test")


def test_a_table_of_something_else_beside_folders_of_classes_is_passed_over(tmp_path):
    for name in NAMES:
        pictures(tmp_path / name, 2)
    (tmp_path / "metadata.csv").write_text("image,age\n0.png,30\n")
    assert load_dataset(tmp_path).classes == NAMES


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("boxes.json", '{"0.png": [1, 2, 3, 4]}'),
        ("ages.json", '{"0.png": {"age": 3}}'),
        ("coco.json", '[{"file_name": "0.png", "bbox": [1, 2]}]'),
        ("sizes.csv", "0.png,48,48\n1.png,48,48\n"),
        ("mood.csv", "0.png,0.3,-0.2\n"),
        ("cut.json", '{"0.png": "happy",'),
    ],
)
def test_what_else_names_pictures_is_no_list_of_labels(tmp_path, name, content):
    pictures(tmp_path)
    rows = [f"{number}.png,{NAMES[number % 3]}" for number in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "  , "]))
    (tmp_path / name).write_text(content)
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == dict.fromkeys(NAMES, 2)
    assert dataset.notes == ("the labels are read from labels.csv",)


def test_a_list_whose_labels_are_not_recognised_is_said(tmp_path):
    for part in ("part0", "part1"):
        pictures(tmp_path / part, 3)
    rows = [f"{part}/{number}.png,0.3,0.7" for part in ("part0", "part1") for number in range(3)]
    (tmp_path / "labels.csv").write_text("\n".join(["picture,happy,sad", *rows]))
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("part0", "part1")
    assert dataset.notes[-1] == (
        "labels.csv names these pictures, but has the columns picture, happy, sad; expected image and label (and "
        "split): no label is read from it"
    )


@pytest.mark.parametrize("others", [1, 20])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_pictures_beside_the_listed_ones_make_no_classes_of_the_folders(tmp_path, kind, others):
    pictures(tmp_path / "images")
    pictures(tmp_path / "plots", others, name="hist{}.png")
    row = {"csv": "images/{0}.png,{1}", "jsonl": '{{"file_name": "images/{0}.png", "label": "{1}"}}'}[kind]
    rows = ["image,label"] * (kind == "csv") + [row.format(n, NAMES[n % 3]) for n in range(6)]
    (tmp_path / f"metadata.{kind}").write_text("\n".join(rows))
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == dict.fromkeys(NAMES, 2)
    assert dataset.notes[-1] == f"{others} picture{'s' * (others > 1)} in no list of labels, left out"


@pytest.mark.parametrize("kind", ["of a few", "that agrees"])
def test_a_list_goes_behind_folders(tmp_path, kind):
    for part in ("1", "2"):
        pictures(tmp_path / part, 6, f"{part}_{{}}.png")
    told = {
        "of a few": ["1/1_0.png,happy", "2/2_0.png,sad"],
        "that agrees": [f"{p}/{p}_0.png,{p}" for p in "12"],
    }
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *told[kind]]))
    dataset = load_dataset(tmp_path)
    assert len(dataset) == 12
    assert any("a list labels" in note for note in dataset.notes) == (kind == "of a few")


def test_a_list_that_is_not_believed_is_said(tmp_path):
    for part in ("cats", "dogs"):
        pictures(tmp_path / part, 3)
    (tmp_path / "labels.csv").write_text("image,label\ncats/0.png,old\ndogs/0.png,young\n")
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("cats", "dogs")
    assert dataset.notes[-1].startswith("a list labels 2 pictures otherwise and is not used")
