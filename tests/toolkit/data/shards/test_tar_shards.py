"""Tar files as ``webdataset`` reads them, written by tarfile itself."""

import io
import json
import subprocess
import sys
import tarfile

import cv2
import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.files.image_files import LARGEST_PICTURE_BYTES
from toolkit.data.readers.loading import load_dataset

from ..conftest import PEAK, make_faces, png

NAMES = ("angry", "happy", "sad")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_tar(path, members) -> None:
    """Write a tar of (name, content) or of TarInfo without content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))


def samples(faces, labels, ending=".png", start=0):
    """Yield the picture and the .cls of each face."""
    for number, (face, label) in enumerate(zip(faces, labels, strict=True), start):
        yield f"{number:06d}{ending}", cv2.imencode(ending, face)[1].tobytes()
        yield f"{number:06d}.cls", str(label).encode()


@pytest.fixture
def shards(tmp_path, faces):
    """Two shards of training, 6 faces each, one of validation and one of test; classes.txt names the numbers."""
    root, labels = tmp_path / "shards", [number % 3 for number in range(21)]
    write_tar(root / "train-000000.tar", samples(faces[:6], labels[:6]))
    write_tar(root / "train-000001.tar", samples(faces[6:12], labels[6:12], start=6))
    write_tar(root / "val-000000.tar", samples(faces[12:18], labels[12:18]))
    write_tar(root / "test-000000.tar", samples(faces[18:], labels[18:]))
    (root / "classes.txt").write_text("Anger\nhappiness\nsad\n")
    return root


def test_shards_in_a_linked_folder_are_read(shards, faces, tmp_path):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "disk").symlink_to(shards)
    assert len(load_dataset(tmp_path / "linked")) == len(faces)


def test_samples_become_faces(shards, faces):
    dataset = load_dataset(shards)
    assert dataset.classes == NAMES
    assert dataset.present_splits() == ("train", "validation", "test")
    train = dataset.split("train")
    assert np.array_equal(np.asarray(train.images), faces[:12])
    assert train.labels.tolist() == [0, 1, 2] * 4
    assert train.names[7] == "train-000001.tar: 000007.png"
    assert load_dataset(shards / "test-000000.tar").present_splits() == ("test",)
    (shards / "classes.txt").unlink()
    dataset = load_dataset(shards)
    assert dataset.classes == ("0", "1", "2")
    assert "classes.txt with a line a class" in " ".join(dataset.notes)


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".png", ".bmp"])
def test_pictures_of_every_kind_with_labels_in_json(ending, tmp_path, faces):
    said = [{"label": 4, "class_name": "Happiness"}, {"label": "sad"}, {"Emotion": "angry", "other": [1]}]
    members = []
    for number, (face, one) in enumerate(zip(faces, said, strict=False)):
        members.append((f"./part.1/{number}.json", json.dumps(one).encode()))
        members.append((f"./part.1/{number}.image{ending}", cv2.imencode(ending, face)[1].tobytes()))
        members.append((f"./part.1/{number}.txt", b"a caption"))
    write_tar(tmp_path / "faces.tar", [*members, ("._junk.png", b"junk"), ("README", b"read me")])
    dataset = load_dataset(tmp_path / "faces.tar")
    assert dataset.classes == NAMES
    assert [dataset.classes[label] for label in dataset.labels] == ["happy", "sad", "angry"]
    assert np.abs(np.asarray(dataset.images, int) - faces[:3]).mean() < 8


def test_a_damaged_picture_is_left_out_and_a_label_without_one_too(tmp_path):
    faces = make_faces(400)
    members = list(samples(faces, [number % 2 for number in range(400)]))
    members[14] = (members[14][0], members[14][1][:-20])
    del members[16]
    write_tar(tmp_path / "a.tar", members)
    dataset = load_dataset(tmp_path / "a.tar")
    assert len(dataset) == 398
    assert "a.tar: 000007.png (a PNG without its end" in dataset.remarks()[-1]
    assert "a.tar: 000008 (no picture" in dataset.remarks()[-1]


def test_a_class_of_damaged_pictures_alone_is_one_line(tmp_path, faces, caplog):
    members = [(name, b"none" if "png" in name else content) for name, content in samples(faces[:4], "abab")]
    write_tar(tmp_path / "a.tar", members)
    with pytest.raises(
        EdgeError, match=r"2 of 2 images of class 'a' are broken, .*a.tar: 000000.png: no PNG"
    ):
        load_dataset(tmp_path / "a.tar")
    assert load_dataset(tmp_path / "a.tar", lenient=True).counts() == {"a": 0, "b": 0}
    assert "faces decoded" not in caplog.text


@pytest.mark.parametrize(
    "label",
    [None, ("000000.cls", b"-1"), ("000000.cls", b" "), ("000000.json", b"{"), ("000000.json", b'["sad"]')],
)
def test_a_picture_without_a_label_is_one_line(label, tmp_path, faces):
    write_tar(tmp_path / "a.tar", [("000000.png", png(faces[0])), *([label] if label else [])])
    with pytest.raises(EdgeError, match=r"a\.tar: 000000\.png has no label; expected 000000\.cls"):
        load_dataset(tmp_path / "a.tar")


def test_two_samples_of_one_name_are_refused(tmp_path, faces):
    write_tar(
        tmp_path / "a.tar",
        [("0.png", png(faces[0])), ("0.cls", b"1"), ("0.png", png(faces[1])), ("0.cls", b"2")],
    )
    with pytest.raises(EdgeError, match=r"a\.tar: 0\.png stands in it twice"):
        load_dataset(tmp_path / "a.tar")


def hostile(kind, name="000001.png", **attributes):
    member = tarfile.TarInfo(name)
    member.type = kind
    for key, value in attributes.items():
        setattr(member, key, value)
    return member


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (hostile(tarfile.SYMTYPE, linkname="/etc/passwd"), r"'000001.png' is a link to '/etc/passwd'"),
        (hostile(tarfile.LNKTYPE, linkname="000000.png"), r"'000001.png' is a link to '000000.png'"),
        (hostile(tarfile.FIFOTYPE), "is a device or a pipe"),
        (hostile(tarfile.CHRTYPE), "is a device or a pipe"),
        (("/etc/cron.d/1.png", b"x"), "'/etc/cron.d/1.png' leads out of its folder"),
        (("a/../../1.png", b"x"), r"'a/../../1.png' leads out of its folder"),
    ],
)
def test_what_no_data_set_holds_is_refused(member, message, tmp_path, faces):
    write_tar(tmp_path / "a.tar", [*samples(faces[:1], [0]), member])
    with pytest.raises(EdgeError, match=f"{message}; expected pictures and labels, plain files"):
        load_dataset(tmp_path / "a.tar")
    assert not (tmp_path / "etc").exists()


def test_a_member_that_says_it_is_huge_is_not_read(tmp_path, faces):
    write_tar(tmp_path / "a.tar", samples(faces[:1], [0]))
    with open(tmp_path / "a.tar", "r+b") as handle:  # a hole of 8 GiB behind the header takes no room
        handle.truncate(len((tmp_path / "a.tar").read_bytes().rstrip(b"\0")) // 512 * 512 + 512)
        member = tarfile.TarInfo("000001.png")
        member.size = 8 * 2**30
        handle.seek(0, io.SEEK_END)
        handle.write(member.tobuf(tarfile.GNU_FORMAT))
        handle.truncate(handle.tell() + member.size)
    with pytest.raises(EdgeError, match=r"'000001.png' has 8,192 MiB; expected .* at most 32 MiB"):
        load_dataset(tmp_path / "a.tar")
    assert LARGEST_PICTURE_BYTES == 32 * 2**20


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_name_that_says_it_is_huge_is_one_line(kind, tmp_path, faces):
    write_tar(tmp_path / "a.tar", samples(faces[:4], "abab"))
    name = tarfile.TarInfo("name")
    name.type, name.size = kind, 1 << 62
    path = tmp_path / "a.tar"
    path.write_bytes(name.tobuf(tarfile.GNU_FORMAT) + path.read_bytes())
    with pytest.raises(EdgeError, match=r"cannot read .*a\.tar as a tar file"):
        load_dataset(path)


def test_damaged_tars_are_one_line_wherever_the_damage_is(shards):
    path = shards / "train-000000.tar"
    whole = path.read_bytes()
    for damaged, message in (
        (b"", "as a tar file"),
        (b"no tar at all", "as a tar file"),
        (whole[:1000], "as a tar file"),
        (whole[:4096] + b"\xff" * 9000, r"is damaged at byte [\d,]+|as a tar file"),
        (whole[: len(whole) // 2], "as a tar file|is damaged at byte"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(EdgeError, match=message) as refused:
            load_dataset(shards)
        assert "\n" not in str(refused.value)
    second = whole.index(b"000001.png")
    path.write_bytes(whole[:second] + b"\xff" + whole[second + 1 :])  # a wrong checksum is no end
    with pytest.raises(EdgeError, match=rf"is damaged at byte {second:,}; fetch"):
        load_dataset(shards)
    path.write_bytes(bytes(10240))
    with pytest.raises(EdgeError, match="tar files hold no labelled picture"):
        load_dataset(path)


def test_class_folders_and_a_csv_beside_a_tar_stay_what_they_are(split_folders, kaggle_csv, faces):
    for folder in (split_folders, kaggle_csv.parent / "csv"):
        write_tar(folder / "all.tar", samples(faces[:3], [0, 1, 2]))
    assert len(load_dataset(split_folders)) == 21
    kaggle_csv.rename(kaggle_csv.parent / "csv" / "fer2013.csv")
    assert len(load_dataset(kaggle_csv.parent / "csv")) == 21


def test_memory_stays_flat(tmp_path):
    """20,000 pictures of 64x64, 84 MB of files in all; a process that reads them grows by less than a third of that."""
    rng = np.random.default_rng(0)
    encoded = [png(rng.integers(0, 256, (64, 64), np.uint8)) for _ in range(250)]
    for name, count in (("few", 250), ("many", 20_000)):
        write_tar(
            tmp_path / f"{name}.tar",
            (
                part
                for number in range(count)
                for part in (
                    (f"{number}.png", encoded[number % 250]),
                    (f"{number}.cls", b"%d" % (number % 3)),
                )
            ),
        )
    command = [sys.executable, "-c", PEAK, tmp_path / "few.tar", tmp_path / "many.tar", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 80 * sum(map(len, encoded)) / 3
