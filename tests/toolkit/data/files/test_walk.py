"""The files of a data set: what is hidden is none of them, what is linked is."""

import pytest

from device.errors import EdgeError
from toolkit.data.files.walk import files_under
from toolkit.data.readers.loading import load_dataset

from ..folders.test_picture_lists import NAMES, pictures


@pytest.mark.parametrize(
    "folder", [".ipynb_checkpoints", ".Trash-1000/files", "@eaDir", "__MACOSX", "lost+found"]
)
def test_leftovers_in_hidden_folders_are_no_data(tmp_path, folder):
    for name in NAMES:
        pictures(tmp_path / "faces" / name, 2)
        pictures(tmp_path / "faces" / name / folder, 1, "copy{}.png")
    assert load_dataset(tmp_path / "faces").counts() == dict.fromkeys(NAMES, 2)


def test_a_training_among_the_data_is_no_class(tmp_path):
    for name in (*NAMES, "runs/small"):
        pictures(tmp_path / name, 2)
    (tmp_path / "runs" / "small" / "checkpoint.npz").touch()
    assert load_dataset(tmp_path).counts() == dict.fromkeys(NAMES, 2)


def test_a_hidden_copy_of_a_list_brings_back_no_label(tmp_path):
    pictures(tmp_path / "images")
    rows = ["image,label", *(f"images/{number}.png,{NAMES[number % 3]}" for number in range(6))]
    (tmp_path / "labels.csv").write_text("\n".join(rows[:6]))  # the last one was taken out
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "labels-checkpoint.csv").write_text("\n".join(rows))
    dataset = load_dataset(tmp_path)
    assert len(dataset) == 5
    assert dataset.notes == (
        "the labels are read from labels.csv",
        "1 picture in no list of labels, left out",
    )


def test_a_hidden_copy_of_a_table_is_no_second_one(tmp_path):
    faces = [f"{label},{' '.join([str(10 * label + at)] * 2304)}" for label in (0, 3) for at in (1, 2)]
    for name in ("my.csv", ".ipynb_checkpoints/my-checkpoint.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n".join(["emotion,pixels", *faces]))
    assert len(load_dataset(tmp_path)) == 4


@pytest.mark.parametrize("target", ["nowhere.png", "lost.png"])
def test_a_link_that_leads_nowhere_or_to_itself_is_a_broken_picture(tmp_path, target):
    for name in NAMES:
        pictures(tmp_path / name, 2)
    (tmp_path / "happy" / "lost.png").symlink_to(target)
    dataset = load_dataset(tmp_path, lenient=True)
    assert dataset.counts() == dict.fromkeys(NAMES, 2)
    assert [face.name for face in dataset.broken] == ["happy/lost.png"]


@pytest.mark.parametrize("labelled", ["folders", "list"])
def test_a_linked_folder_is_read_and_one_that_leads_back_is_not(tmp_path, labelled):
    if labelled == "folders":
        for name in NAMES:
            pictures(tmp_path / "faces" / name, 2)
        pictures(tmp_path / "more", 3, "more{}.png")
        (tmp_path / "faces" / "happy" / "more").symlink_to(tmp_path / "more")
        counts = dict.fromkeys(NAMES, 2) | {"happy": 5}
    else:
        pictures(tmp_path / "disk")
        (tmp_path / "faces").mkdir()
        (tmp_path / "faces" / "images").symlink_to(tmp_path / "disk")
        rows = ["image,label", *(f"images/{number}.png,{NAMES[number % 3]}" for number in range(6))]
        (tmp_path / "faces" / "labels.csv").write_text("\n".join(rows))
        counts = dict.fromkeys(NAMES, 2)
    inner = tmp_path / "faces" / ("happy" if labelled == "folders" else "images")
    (inner / "back").symlink_to(tmp_path)
    (inner / "here").symlink_to(inner)
    (tmp_path / "faces" / "itself").symlink_to("itself")
    assert load_dataset(tmp_path / "faces").counts() == counts


def test_two_folders_linked_to_each_other_end(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / one).mkdir()
        (tmp_path / one / f"{one}.txt").write_text(one)
        (tmp_path / one / other).symlink_to(tmp_path / other)
    found = [str(path.relative_to(tmp_path)) for path in files_under(tmp_path)]
    assert found == ["a/a.txt", "a/b/b.txt", "b/b.txt", "b/a/a.txt"]


def test_films_and_sounds_among_pictures_are_named_and_left_out(tmp_path):
    for name in NAMES:
        pictures(tmp_path / name, 2)
    for name in ("clip.avi", "clip.mjpg", "clip.mp4"):
        (tmp_path / "happy" / name).write_bytes(
            b"RIFF\x10\0\0\0AVI LIST" if name == "clip.avi" else b"\xff\xd8\xff\xe0"
        )
    (tmp_path / "sad" / "voice.wav").write_bytes(b"RIFF\x10\0\0\0WAVEfmt ")
    dataset = load_dataset(tmp_path)
    assert (dataset.counts(), dataset.broken) == (dict.fromkeys(NAMES, 2), ())
    assert "3 films among the pictures left out, such as happy/clip.avi" in dataset.notes


@pytest.mark.parametrize("between", ["{set}/{split}/{name}", "{set}/{set}/{split}/{name}"])
def test_data_sets_side_by_side_are_no_classes(tmp_path, between):
    for one in ("fer", "raf"):
        for split in ("train", "test"):
            for name in NAMES:
                pictures(tmp_path / between.format(set=one, split=split, name=name), 1)
    with pytest.raises(EdgeError, match="the folder 'fer' holds a folder for each expression"):
        load_dataset(tmp_path)


def test_pictures_beside_an_only_folder_of_classes_are_said(tmp_path):
    for name in NAMES:
        pictures(tmp_path / "faces" / name, 2)
    pictures(tmp_path, 1, "x{}.png")
    note = f"1 picture right in '{tmp_path.name}', in no class's folder, left out"
    assert load_dataset(tmp_path).notes == (note,)


def test_folders_in_folders_are_read_however_deep(tmp_path):
    made = [tmp_path]
    for _ in range(1000):  # Path.mkdir(parents=True) and pytest's clearing away do not go as deep
        made.append(made[-1] / "a")
        made[-1].mkdir()
    face = made[-1] / "face.png"
    face.touch()
    try:
        assert list(files_under(tmp_path)) == [face]
    finally:
        face.unlink()
        for folder in made[:0:-1]:
            folder.rmdir()
