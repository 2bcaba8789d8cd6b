"""Colour the whole way: faces whose class is their tint alone, from the files to what a board says of a frame."""

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource, MovingFace
from device.faces.alignment import FaceCropper
from device.frames import BoundingBox
from device.model.expression_model import load_model
from device.model.file.metadata import read_metadata
from toolkit.data.dataset import Dataset
from toolkit.data.readers.loading import load_dataset
from toolkit.data.readers.pictures import mostly_coloured
from toolkit.data.synthesis import load_synthetic
from toolkit.training.augmentation import CAMERA_FAULTS, augment_face

CLASSES = ("happy", "sad")
# Of the same gray: 0.114 B + 0.587 G + 0.299 R is 0 of each, but for rounding.
TINTS_BGR = {"happy": (0.0, -20.4, 40.0), "sad": (0.0, 20.4, -40.0)}


def tinted(picture: np.ndarray, name: str) -> np.ndarray:
    """Return (H, W) or (H, W, 3) uint8 in the tint of a class, (H, W, 3) BGR."""
    gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    calm = 60 + gray[..., None] * (130 / 255)
    return np.rint(calm + np.array(TINTS_BGR[name])).astype(np.uint8)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> Path:
    """Folders of drawn faces of every expression, each once: all that tells 'happy' from 'sad' is the tint."""
    root = tmp_path_factory.mktemp("tints")
    images = load_synthetic().images
    rows = np.random.default_rng(0).permutation(len(images))[:240]
    for position, row in enumerate(rows):
        split, name = ("train", "train", "validation", "test")[position // 2 % 4], CLASSES[position % 2]
        (root / split / name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / split / name / f"{row}.png"), tinted(images[row], name))
    return root


def trained(faces: Path, out: Path, channels: int):
    from toolkit.api import train

    options = {"epochs": 4, "batch_size": 16, "augmentation": 0.3, "dtype_policy": "float32"}
    return train(faces, out, arch="fully-connected", channels=channels, **options)


@pytest.mark.toolkit
def test_three_channels_learn_what_colour_alone_tells_and_a_board_sees_it(faces, tmp_path):
    from toolkit.api import evaluate, quantize
    from toolkit.models.keras_file import read_keras_metadata

    gray, colour = (trained(faces, tmp_path / str(channels), channels) for channels in (1, 3))
    assert colour.accuracy > 0.95
    assert gray.accuracy < 0.7
    assert read_keras_metadata(colour.model)["colour"] is True
    assert "colour" not in read_keras_metadata(gray.model)
    int8 = quantize(colour.model, data=faces).path
    assert load_model(int8).colour

    both = evaluate([gray.model, int8, colour.model], faces)
    found = [model.evaluations[0].report.accuracy for model in both.models]
    assert found[0] < 0.7 < 0.95 < min(found[1:])
    # What gray says of these faces is the same beside a model that sees their colours.
    alone = evaluate(gray.model, faces).models[0].evaluations[0]
    assert alone.report == both.models[0].evaluations[0].report
    assert alone.data == both.models[1].evaluations[0].data

    named = {name: frames_named(int8, tmp_path / name, name) for name in CLASSES}
    assert named == {name: [name] * 3 for name in CLASSES}


def frames_named(model: Path, folder: Path, tint: str) -> list[str]:
    """Return what the device's own loop calls the face of three photographs of one tint."""
    from device import run

    folder.mkdir()
    for number in range(3):
        with DemoSource(1, faces=(MovingFace(120 + 20 * number, (320, 240), (0, 0), 1.0),)) as demo:
            cv2.imwrite(str(folder / f"{number}.png"), tinted(demo.picture(0), tint))
    return [face.label for result in run(str(folder), model=model, prior="none") for face in result.faces]


@pytest.mark.toolkit
def test_only_a_network_of_three_channels_on_coloured_pictures_learns_colours(faces, tmp_path):
    from toolkit.training.recipe import TrainingRecipe
    from toolkit.training.request import TrainingRequest
    from toolkit.training.trainer import Trainer
    from toolkit.training.training_data import may_see_colour, read_training_data

    def learns_colours(data: Path, **options) -> bool:
        request = TrainingRequest(data, tmp_path / "out", TrainingRecipe(dtype_policy="float32", **options))
        read = read_training_data(request)
        assert (read.train.colours is not None) == may_see_colour(request)
        return Trainer(read, request.recipe, request.out, []).data.train.colours is not None

    gray = gray_in_rgb(faces, tmp_path / "gray")
    for channels in (1, 3):
        assert learns_colours(faces, arch="fully-connected", channels=channels) == (channels == 3)
        assert not learns_colours(gray, arch="fully-connected", channels=channels)
        own = tmp_path / f"own{channels}.py"
        own.write_text(
            "import keras\ndef build(count):\n    return keras.Sequential([keras.Input((48, 48, "
            f"{channels})), keras.layers.Flatten(), keras.layers.Dense(count)])\n"
        )
        assert learns_colours(faces, arch=str(own)) == (channels == 3)


def gray_in_rgb(faces: Path, root: Path) -> Path:
    """Write what is gray of ``faces`` into files of three equal channels."""
    for path in faces.glob("*/*/*.png"):
        target = root / path.relative_to(faces)
        target.parent.mkdir(parents=True, exist_ok=True)
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(target), cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
    return root


def shards_of(faces: Path, path: Path) -> Path:
    """Write the training faces into one tar of the form of webdataset."""
    path.mkdir()
    with tarfile.open(path / "train-0.tar", "w") as tar:
        for number, file in enumerate(sorted(faces.glob("train/*/*.png"))):
            for name, content in ((".png", file.read_bytes()), (".cls", file.parent.name.encode())):
                member = tarfile.TarInfo(f"{number:05}{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_colours_come_beside_the_same_gray_from_folders_and_shards(faces, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shards = shards_of(faces, tmp_path / "shards")
    for data in (faces, shards, shards):  # the second time from the store that was kept
        plain, coloured = load_dataset(data), load_dataset(data, colour=True)
        assert plain.colours is None
        assert plain.seen(colour=True) is plain.images
        assert plain.fingerprint() == coloured.fingerprint()
        happy = coloured.select(coloured.labels == coloured.classes.index("happy"))
        red, green, blue = np.moveaxis(happy.seen(colour=True)[:].astype(int), 3, 0)
        np.testing.assert_allclose(red - blue, 40, atol=1)
        np.testing.assert_allclose(green - blue, -20, atol=1)
        assert np.asarray(coloured.images[:]).tolist() == np.asarray(plain.images[:]).tolist()
    assert mostly_coloured(faces)
    assert mostly_coloured(shards)


def test_a_few_coloured_pictures_do_not_make_a_data_set_coloured(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / CLASSES[number % 2]
        folder.mkdir(exist_ok=True)
        shape = (48, 48, 3) if number < 10 else (48, 48)
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 256, shape, dtype=np.uint8))
    assert not mostly_coloured(tmp_path)


def test_augmentation_and_camera_faults_keep_a_tint():
    face = tinted(load_synthetic().images[0], "happy")[..., ::-1]
    for fault in CAMERA_FAULTS:
        changed = fault(np.ascontiguousarray(face), np.random.default_rng(0))
        assert changed.shape == face.shape, fault
        assert changed[..., 0].mean() - changed[..., 2].mean() > 25, fault
    views = [augment_face(np.ascontiguousarray(face), np.random.default_rng(seed)) for seed in range(20)]
    assert all(view.shape == (48, 48, 3) and view.dtype == np.uint8 for view in views)


def test_equal_channels_are_changed_as_gray_is():
    from toolkit.training.augmentation import change_light, turn_and_shift

    gray = load_synthetic().images[0]
    thrice = np.repeat(gray[..., None], 3, axis=2)
    for change in (turn_and_shift, change_light):
        one, three = (change(face, np.random.default_rng(3), 1.0) for face in (gray, thrice))
        np.testing.assert_array_equal(three, np.repeat(one[..., None], 3, axis=2))


def test_a_cropper_of_colours_gives_red_green_and_blue():
    frame = np.zeros((200, 200, 3), np.uint8)
    frame[...] = (10, 120, 240)  # B, G, R
    box = BoundingBox(60, 60, 140, 140)
    for roll_deg in (0.0, 25.0):
        crop = FaceCropper(1.0, 64, colour=True).crop(frame, box, roll_deg)
        assert crop.shape == (64, 64, 3)
        assert (crop == (240, 120, 10)).all()
    assert FaceCropper(1.0, 64, colour=True).crop(frame[..., 0], box, 0.0).tolist() == [[[10] * 3] * 64] * 64


def test_a_network_of_one_channel_refuses_coloured_crops():
    with pytest.raises(ValueError, match=r"expected crops of shape \(N, H, W\) uint8"):
        load_model().predict(np.zeros((1, 48, 48, 3), np.uint8))


def test_joined_data_sets_are_coloured_if_the_first_one_is(faces):
    from toolkit.data.train_split import SplitChoice, split_for_training
    from toolkit.training.joining import join

    choice = SplitChoice(hold_out=False, validation_share=0.1, seed=0, label_source="own")
    coloured = split_for_training(load_dataset(faces, colour=True), choice)
    gray = split_for_training(load_dataset(faces), choice)
    images: Dataset = join(coloured, [gray], [0.3]).train
    assert images.seen(colour=True).shape[3] == 3
    assert join(gray, [coloured], [0.3]).train.colours is None


def test_metadata_tells_colour_only_where_it_is_so(tmp_path):
    metadata = read_metadata(load_model().path)
    assert metadata.colour is False
    assert "colour" not in json.dumps(metadata.to_json())
