"""Data sets as they are published, and flat folders: where labels stand in names and in files of labels."""

import shlex

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset
from toolkit.data.readers.photographs import crop_photographs

from ..conftest import make_faces, write_image
from .test_picture_lists import labels_of, pictures

CODES = ("AF", "AN", "DI", "HA", "NE", "SA", "SU")
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def write_all(root, names):
    for name, face in zip(names, make_faces(len(names)), strict=True):
        write_image(root / name, face)


def test_a_flat_folder_whose_names_tell_expressions(tmp_path):
    names = [
        f"{folder}{name}_{n}.png"
        for folder in ("train/", "test/")
        for name in ("happy", "sad")
        for n in (1, 2)
    ]
    write_all(tmp_path, names)
    dataset = load_dataset(tmp_path)
    assert dataset.split("train").counts() == dataset.split("test").counts() == {"happy": 2, "sad": 2}
    assert dataset.notes == ("the labels are read from the names of the files: happy_1.png is happy",)


def test_splits_in_all_the_names_are_splits(tmp_path):
    write_all(tmp_path, ["train_happy_1.png", "train_sad_1.png", "val_happy_1.png", "val_sad_1.png"])
    assert load_dataset(tmp_path).present_splits() == ("train", "validation")
    write_image(tmp_path / "dev_happy_2.png", make_faces(1, 5)[0])
    write_image(tmp_path / "happy_3.png", make_faces(1, 6)[0])
    assert load_dataset(tmp_path).present_splits() == ("train",)  # who is dev?


def test_photographs_beside_a_happy_birthday_are_no_data_set(tmp_path):
    write_all(tmp_path, ["happy birthday.jpg", "sad farewell.jpg", "beach.jpg"])
    with pytest.raises(EdgeError, match=r"by its name, beach\.jpg none; name all in one way") as raised:
        load_dataset(tmp_path)
    assert "\n" not in str(raised.value)


def test_jaffe(tmp_path):
    codes = ("AN", "DI", "FE", "HA", "NE", "SA", "SU")
    write_all(
        tmp_path, [f"{person}.{code}1.{n}.tiff" for person in ("KA", "YM") for n, code in enumerate(codes)]
    )
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == dict.fromkeys(EXPRESSIONS, 2)
    assert dataset.notes[0].endswith("KA.AN1.0.tiff is angry, as in JAFFE")


def test_kdef_in_the_folders_of_its_persons(tmp_path):
    people = [f"{session}{who}{n:02}" for session in "AB" for who in "FM" for n in (30, 31)]
    names = [
        f"{one}/{one}{code}{angle}.JPG" for one in people for code in CODES for angle in ("S", "FL", "HR")
    ]
    write_all(tmp_path / "KDEF_and_AKDEF/KDEF", [*names, "AF31/AF31V.JPG"])
    write_all(tmp_path / "KDEF_and_AKDEF/AKDEF", [f"F{code}S.JPG" for code in CODES])
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == dict.fromkeys(EXPRESSIONS, 25)
    assert dataset.notes[-1] == "1 picture whose name tells no expression, left out: AF31V.JPG"


def test_folders_of_classes_go_before_names(tmp_path):
    for one, expressions in (("happy", ("sad", "happy")), ("sad", ("sad", "angry"))):
        write_all(tmp_path / "sorted" / one, [f"{name}_{n}.png" for name in expressions for n in (1, 2)])
    assert load_dataset(tmp_path / "sorted").counts() == {"happy": 4, "sad": 4}
    for one, expressions in (("good", ("happy",)), ("bad", ("sad", "angry"))):
        write_all(tmp_path / "coarse" / one, [f"{name}_{n}.png" for name in expressions for n in (1, 2)])
    assert load_dataset(tmp_path / "coarse").counts() == {"bad": 4, "good": 2}


@pytest.mark.parametrize("told", ["names", "list"])
def test_folders_of_persons_are_no_classes(tmp_path, told):
    labels = ("happy", "sad") * 2
    names = [f"{one}/{label if told == 'names' else 'face'}_{n}.png"
             for one in ("anna", "ben") for n, label in enumerate(labels)]  # fmt: skip
    write_all(tmp_path, names)
    if told == "list":
        rows = zip(names, labels * 2, strict=True)
        (tmp_path / "labels.csv").write_text(
            "image,label\n" + "".join(f"{name},{label}\n" for name, label in rows)
        )
    assert load_dataset(tmp_path).counts() == {"happy": 4, "sad": 4}


def test_ck_plus(tmp_path):
    """Of each sequence the last picture has a label, of some none has; landmarks stand beside."""
    labels = {"S005/001": 3, "S010/002": 5, "S010/004": 7, "S011/001": 2, "S022/003": None}
    for sequence, number in labels.items():
        stem = sequence.replace("/", "_")
        write_all(tmp_path / "cohn-kanade-images" / sequence, [f"{stem}_0000000{n}.png" for n in (1, 2, 3)])
        place = tmp_path / "Emotion" / sequence
        place.mkdir(parents=True)
        if number is not None:
            (place / f"{stem}_00000003_emotion.txt").write_text(f"   {number}.0000000e+00\n")
        (tmp_path / "Landmarks" / sequence).mkdir(parents=True)
        (tmp_path / "Landmarks" / sequence / f"{stem}_00000003_landmarks.txt").write_text("2.0e+00 3.0e+00\n")
    dataset = load_dataset(tmp_path)
    found = {
        str(name)[-21:-17]: dataset.classes[label]
        for name, label in zip(dataset.names, dataset.labels, strict=True)
    }
    assert sorted(found.items()) == [("S005", "disgust"), ("S010", "surprise"), ("S011", "contempt")]
    assert dataset.counts()["happy"] == 1
    assert dataset.notes == (
        "the labels are read from files that end in _emotion.txt, in CK+'s order",
        "11 pictures in no list of labels, left out",
    )
    (place / f"{stem}_00000003_emotion.txt").write_text("happy")
    with pytest.raises(
        EdgeError, match=r"_emotion\.txt: could not convert.*expected a number of an expression"
    ):
        load_dataset(tmp_path)


def test_fer_plus_with_pictures_and_votes_by_split(tmp_path):
    """FER2013Train/label.csv: a picture, its box, ten votes; no header. The label is that of most votes."""
    votes = {"happy": "0,9,0,0,0,0,0,0,1,0", "angry": "1,0,0,0,8,0,0,1,0,0", "": "4,3,0,3,0,0,0,0,0,0"}
    for split in ("FER2013Train", "FER2013Test"):
        write_all(tmp_path / split, [f"fer000000{number}.png" for number in range(3)])
        rows = [
            f'fer000000{number}.png,"(0, 0, 48, 48)",{told}' for number, told in enumerate(votes.values())
        ]
        (tmp_path / split / "label.csv").write_text("\n".join(rows))
    dataset = load_dataset(tmp_path)
    assert dataset.counts() == {"angry": 2, "happy": 2}
    assert dataset.present_splits() == ("train", "test")
    assert "2 pictures in no list of labels, left out" in dataset.notes
    (tmp_path / "FER2013Test" / "label.csv").write_text(
        f'{rows[0]}\nfer0000001.png,"",{"9" * 5000}{",0" * 9}\n'
    )
    with pytest.raises(EdgeError, match="row 2: expected a picture, its box and 10 votes"):
        load_dataset(tmp_path)
    for split in ("FER2013Train", "FER2013Test"):
        (tmp_path / split / "label.csv").unlink()
    with pytest.raises(EdgeError, match="holds images but no folder for each class"):
        load_dataset(tmp_path)  # what is it that they show?


@pytest.mark.parametrize(
    "validation", ["Val/Val_Aligned_Faces_new", "Val/Val_Aligned_Faces_new/Val_Aligned_Faces"]
)
def test_sfew_has_a_test_split_without_classes(tmp_path, validation):
    for split in ("Train/Train_Aligned_Faces", validation):
        for name in ("Angry", "Happy"):
            write_all(tmp_path / split / name, ["0.png", "1.png"])
    write_all(tmp_path / "Test/Test_Aligned_Faces", ["0.png", "1.png"])
    dataset = load_dataset(tmp_path)
    assert (dataset.classes, dataset.present_splits()) == (("angry", "happy"), ("train", "validation"))
    assert "folder 'Test/Test_Aligned_Faces' holds pictures without a class and is left out" in dataset.notes


def test_expw_gives_boxes_and_is_refused(tmp_path):
    write_all(tmp_path / "image/origin", ["angry_actor_1.jpg", "happy_actor_2.jpg"])
    (tmp_path / "label").mkdir()
    (tmp_path / "label/label.lst").write_text(
        "angry_actor_1.jpg 0 10 10 40 40 60.1 0\nhappy_actor_2.jpg 0 1 1 9 9 6 3\n"
    )
    with pytest.raises(
        EdgeError,
        match=r"label\.lst, line 1: .*where the numbers are boxes, cut the faces out by them, or name each photograph "
        "once, with the label of its largest face, and let 'toolkit data crop' cut that out",
    ):
        load_dataset(tmp_path)


@pytest.mark.parametrize("read", [load_dataset, lambda root: crop_photographs(root, root.parent / "faces")])
@pytest.mark.parametrize("name", ["01-01-03-01-02-01-01", "take 1"])
def test_films_are_told_the_way_to_faces(tmp_path, read, name):
    """RAVDESS: folders of actors that hold films."""
    film = tmp_path / f"ravdess/Actor_01/{name}.mp4"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"\0\0\0\x20ftypisom")
    with pytest.raises(EdgeError) as raised:
        read(tmp_path / "ravdess")
    assert (
        f"no images, but films, such as Actor_01/{film.name}; store pictures of each with 'device run --source "
        f"{shlex.quote(film.name)} --save-frames {shlex.quote(f'PICTURES/CLASS/{name}')}', then cut the faces out with "
        "'toolkit data crop PICTURES --out FACES'"
    ) in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["ravdess"]


def test_raf_db_as_it_is_published(tmp_path):
    for split in ("train", "test"):
        pictures(tmp_path / "Image/aligned", 7, f"{split}_0000{{}}_aligned.png")
        pictures(tmp_path / "Image/original", 7, f"{split}_0000{{}}.png")
    lines = [f"{split}_0000{n}.jpg {n + 1}" for split in ("train", "test") for n in range(7)]
    (tmp_path / "EmoLabel").mkdir()
    (tmp_path / "EmoLabel/list_patition_label.txt").write_text("\n".join(lines))
    found = labels_of(load_dataset(tmp_path))
    assert found["train_00000_aligned.png"] == ("surprise", "train")
    assert found["test_00006_aligned.png"] == ("neutral", "test")
    assert len(found) == 14


def test_affectnet_as_it_is_published(tmp_path):
    for split in ("train_set", "val_set"):
        pictures(tmp_path / split / "images", 5)
        (tmp_path / split / "annotations").mkdir()
        for number, label in enumerate(("0", "1", "7", "6", "10")):
            np.save(tmp_path / split / "annotations" / f"{number}_exp.npy", np.array(label))
    dataset = load_dataset(tmp_path)
    assert dataset.classes == ("angry", "happy", "neutral", "contempt")
    assert labels_of(dataset.split("validation"))["2.png"] == ("contempt", "validation")
    assert "2 pictures in no list of labels, left out" in dataset.notes


def test_a_label_of_affectnet_that_says_it_is_huge_is_one_line(tmp_path):
    pictures(tmp_path / "images", 5)
    (tmp_path / "annotations").mkdir()
    with open(tmp_path / "annotations" / "0_exp.npy", "wb") as handle:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
        np.lib.format.write_array_header_1_0(handle, header)
    with pytest.raises(EdgeError, match=r"cannot read .*0_exp\.npy"):
        load_dataset(tmp_path)
