"""Whole photographs as data: noticed, and cut into the faces that the device would cut."""

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource, MovingFace
from device.errors import EdgeError, UsageError
from device.faces.alignment import FaceCropper
from device.faces.detectors import create_detector
from toolkit.data.readers.loading import load_dataset
from toolkit.data.readers.photographs import crop_photographs
from toolkit.data.readers.pictures import mostly_coloured

from ..conftest import png

NOBODY = np.full((480, 640, 3), 90, np.uint8)


def photograph(*sizes_px: int) -> np.ndarray:
    faces = tuple(
        MovingFace(size, (160 + 280 * place, 240), (0, 0), 1.0) for place, size in enumerate(sizes_px)
    )
    with DemoSource(1, faces=faces) as demo:
        return demo.picture(0)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    """Two classes under two splits, one picture with two faces, one of nobody, one that is no picture."""
    root = tmp_path_factory.mktemp("photographs")
    pictures = {
        "train/happy/one.jpg": photograph(120),
        "train/happy/two.png": photograph(90, 150),
        "train/sad/one.jpg": photograph(100),
        "train/sad/nobody.png": NOBODY,
        "test/happy/one.webp": photograph(110),
        "test/sad/one.jpg": photograph(140),
    }
    for name, picture in pictures.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), picture)
    (root / "train/sad/broken.png").write_bytes(b"no picture")
    return root


def test_each_class_keeps_its_place_and_gets_the_largest_face(photographs, tmp_path):
    cropped = crop_photographs(photographs, tmp_path / "faces")
    assert (cropped.pictures, cropped.faces, cropped.several) == (7, 5, 1)
    assert (cropped.nobody, cropped.unread) == (("train/sad/nobody.png",), ("train/sad/broken.png",))
    dataset = load_dataset(tmp_path / "faces")
    assert dataset.present_splits() == ("train", "test")
    assert dataset.split("train").counts() == {"happy": 2, "sad": 1}
    assert not any("whole photographs" in note for note in dataset.notes)
    image, detector = cv2.imread(str(photographs / "train/happy/two.png")), create_detector()
    largest = max((face.box for face in detector.detect_still(image)), key=lambda box: box.width)
    expected = FaceCropper(detector.margin_ratio).crop(image, largest)
    np.testing.assert_array_equal(
        cv2.imread(str(tmp_path / "faces/train/happy/two_png.png"), cv2.IMREAD_GRAYSCALE), expected
    )


def test_two_pictures_of_nearly_one_name_give_two_faces(photographs, tmp_path):
    for number, name in enumerate(("happy/a.1.jpg", "happy/a_1.jpg", "sad/a.jpg")):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "in" / name), photograph(100 + 10 * number))
    for overwrite in (False, True):
        assert crop_photographs(tmp_path / "in", tmp_path / "out", overwrite=overwrite).faces == 3
        assert len(load_dataset(tmp_path / "out")) == 3


def test_numbered_classes_keep_their_names(photographs, tmp_path):
    for number in range(2):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "in" / str(number) / "a.png"), photograph(100 + 20 * number))
    (tmp_path / "in" / "classes.txt").write_text("1 happy\n0 sad\n")
    crop_photographs(tmp_path / "in", tmp_path / "out")
    assert load_dataset(tmp_path / "out").counts() == {"happy": 1, "sad": 1}


def test_a_folder_without_classes_gives_every_face(photographs, tmp_path):
    (tmp_path / "all").mkdir()
    for name in ("one.jpg", "two.png"):
        (tmp_path / "all" / name).write_bytes((photographs / "train/happy" / name).read_bytes())
    assert crop_photographs(tmp_path / "all", tmp_path / "faces", size_px=96).faces == 3
    names = sorted(path.name for path in (tmp_path / "faces").iterdir())
    assert names == ["one_jpg.png", "two_png.png", "two_png_2.png"]
    assert cv2.imread(str(tmp_path / "faces" / names[0]), cv2.IMREAD_UNCHANGED).shape == (96, 96)


def test_pictures_beside_a_folder_are_cut_too_or_named(photographs, tmp_path):
    one = (photographs / "train/happy/one.jpg").read_bytes()
    for name in (
        "album/1.jpg",
        "album/2.jpg",
        "album/holiday/3.jpg",
        "mixed/4.jpg",
        "mixed/happy/5.jpg",
        "mixed/sad/6.jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(one)
    assert crop_photographs(tmp_path / "album", tmp_path / "faces").faces == 3
    written = {str(path.relative_to(tmp_path / "faces")) for path in (tmp_path / "faces").rglob("*.png")}
    assert written == {"1_jpg.png", "2_jpg.png", "holiday/3_jpg.png"}
    cropped = crop_photographs(tmp_path / "mixed", tmp_path / "classes")
    assert cropped.lines() == [
        "2 faces of 2 photographs",
        "1 picture right in 'mixed', in no class's folder, left out",
    ]


@pytest.mark.parametrize("told", ["names", "list"])
def test_photographs_whose_class_stands_elsewhere_get_folders_of_classes(photographs, tmp_path, told):
    root = tmp_path / "all"
    root.mkdir()
    names = ("happy_1.png", "sad_1.png") if told == "names" else ("1.png", "2.png")
    for name in names:
        (root / name).write_bytes((photographs / "train/happy/two.png").read_bytes())
    if told == "list":
        (root / "labels.csv").write_text("image,label,split\n1.png,happy,test\n2.png,../sad,test\n")
    assert crop_photographs(root, tmp_path / "faces").faces == 2
    written = {str(path.relative_to(tmp_path / "faces")) for path in (tmp_path / "faces").rglob("*.png")}
    if told == "names":
        assert written == {"train/happy/happy_1_png.png", "train/sad/sad_1_png.png"}
    else:
        assert written == {"test/happy/1_png.png", "test/___sad/2_png.png"}


def test_photographs_are_noticed_where_they_are_read_as_faces(photographs, toolkit_command):
    (note,) = [note for note in load_dataset(photographs, lenient=True).notes if "whole photographs" in note]
    assert f"toolkit data crop {photographs} --out" in note
    inspected = toolkit_command("data", "inspect", photographs, "--no-near")
    assert "whole photographs" in inspected.stdout + inspected.stderr


def test_photographs_in_shards_are_noticed_and_cut_into_the_same_faces(photographs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "my shards"
    root.mkdir()
    for split in ("train", "test"):
        with tarfile.open(root / f"{split}-0.tar", "w") as tar:
            for number, path in enumerate(sorted(photographs.glob(f"{split}/*/*.*"))):
                label = path.parent.name.encode()
                for suffix, content in ((path.suffix, path.read_bytes()), (".cls", label)):
                    member = tarfile.TarInfo(f"{number}{suffix}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    for _ in range(2):  # the second time from the decoded faces that were kept
        (note,) = [note for note in load_dataset(root, lenient=True).notes if "whole photographs" in note]
        assert f"toolkit data crop '{root}' --out" in note
    crop_photographs(photographs, tmp_path / "of_folders")
    cropped = crop_photographs(root, tmp_path / "of_shards")
    assert (cropped.pictures, cropped.faces, cropped.several, len(cropped.unread)) == (7, 5, 1, 1)
    faces = [load_dataset(tmp_path / name) for name in ("of_folders", "of_shards")]
    rows = [np.lexsort((one.labels, one.splits, one.images.sum(axis=(1, 2)))) for one in faces]
    assert faces[0].select(rows[0]).fingerprint() == faces[1].select(rows[1]).fingerprint()


def write_shard(path: Path, pictures: dict[str, np.ndarray]) -> None:
    """Write a tar of the form of webdataset, pictures by their labels."""
    with tarfile.open(path, "w") as tar:
        for label, picture in pictures.items():
            for suffix, content in ((".png", png(picture)), (".cls", label.encode())):
                member = tarfile.TarInfo(f"{label}{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def test_a_shard_named_itself_keeps_the_names_of_its_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_shard(tmp_path / "faces.tar", {"0": photograph(100), "1": photograph(120)})
    (tmp_path / "classes.txt").write_text("1 happy\n0 sad\n")
    crop_photographs(tmp_path / "faces.tar", tmp_path / "out")
    assert load_dataset(tmp_path / "faces.tar").counts() == {"happy": 1, "sad": 1}
    assert load_dataset(tmp_path / "out").counts() == {"happy": 1, "sad": 1}


def test_photographs_that_were_kept_are_told_by_the_path_of_this_command(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_shard(tmp_path / "faces.tar", {"happy": photograph(100), "sad": photograph(120)})
    (tmp_path / "elsewhere").symlink_to(tmp_path)
    for root in (tmp_path, tmp_path / "elsewhere"):
        (note,) = [note for note in load_dataset(root / "faces.tar").notes if "whole photographs" in note]
        assert f"toolkit data crop {root / 'faces.tar'} --out" in note


def test_a_shard_that_is_left_out_is_said(tmp_path):
    for name in ("train-0.tar", "other.tar"):
        write_shard(tmp_path / name, {"sad": photograph(100)})
    cropped = crop_photographs(tmp_path, tmp_path.with_name("out_of_shards"))
    assert cropped.lines() == [
        "1 face of 1 photograph",
        "'other.tar' tells no split by its name and is left out",
    ]


def test_colours_stay_where_they_are_asked_for(photographs, tmp_path):
    crop_photographs(photographs, tmp_path / "gray")
    crop_photographs(photographs, tmp_path / "colour", colour=True)
    for name in ("train/happy/one_jpg.png", "test/sad/one_jpg.png"):
        gray = cv2.imread(str(tmp_path / "gray" / name), cv2.IMREAD_UNCHANGED)
        colour = cv2.imread(str(tmp_path / "colour" / name), cv2.IMREAD_UNCHANGED)
        assert colour.shape == (48, 48, 3)
        assert np.abs(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY).astype(int) - gray).max() <= 1
        assert (colour[..., 0] - colour[..., 2].astype(int)).max() >= 8  # the background is bluish


def test_what_cannot_be_cropped_is_one_line_and_leaves_nothing(photographs, tmp_path):
    (tmp_path / "nobody").mkdir()
    cv2.imwrite(str(tmp_path / "nobody/a.png"), NOBODY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    for root, out, error, words in (
        (tmp_path / "gone", tmp_path / "out", EdgeError, "is no folder"),
        (tmp_path / "full", tmp_path / "out", EdgeError, "holds no photographs"),
        (tmp_path / "nobody", tmp_path / "out", EdgeError, "no face was found"),
        (photographs, photographs / "faces", UsageError, "name a folder elsewhere"),
        (photographs, tmp_path / "full", EdgeError, "is not empty"),
    ):
        with pytest.raises(error, match=words):
            crop_photographs(root, out)
    assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_the_command_says_what_it_cut(photographs, tmp_path, toolkit_command):
    done = toolkit_command("data", "crop", photographs, "--out", tmp_path / "faces")
    assert done.returncode == 0, done.stderr
    assert "5 faces of 7 photographs" in done.stdout
    assert "1 without a face of 30 pixels or more: train/sad/nobody.png" in done.stdout
    again = toolkit_command("data", "crop", photographs, "--out", tmp_path / "faces", "--overwrite", "--json")
    assert json.loads(again.stdout)["faces"] == 5


LISTS = {
    "labels.json": json.dumps({"1.png": "happy", "2.png": "sad"}),
    "metadata.jsonl": '{"file_name": "1.png", "label": "happy"}\n{"file_name": "2.png", "label": "sad"}\n',
    "labels.txt": "1.png happy\n2.png sad\n",
    "labels.csv": "image,label\n1.png,happy\n2.png,sad\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_named_itself_is_looked_at_and_cut_as_its_folder_is(tmp_path, name):
    root = tmp_path / "all"
    root.mkdir()
    for number in (1, 2):
        cv2.imwrite(str(root / f"{number}.png"), photograph(100 + 10 * number))
    (root / name).write_text(LISTS[name])
    assert mostly_coloured(root / name)
    (note,) = [note for note in load_dataset(root / name).notes if "whole photographs" in note]
    assert f"toolkit data crop {root / name} --out" in note
    assert crop_photographs(root / name, tmp_path / "faces").notes == (f"the labels are read from {name}",)
    assert load_dataset(tmp_path / "faces").counts() == {"happy": 1, "sad": 1}
    with pytest.raises(UsageError, match=f"lies in {root}, whose"):
        crop_photographs(root / name, root / "faces")
