"""Hostile Keras files: refused by what they declare, before any of it is built."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model
from toolkit.models.opening.declared import parse_config, read_declared
from toolkit.models.opening.file_kind import HDF5, KERAS_3

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A small model as .keras and as .h5."""
    folder = tmp_path_factory.mktemp("good")
    image = keras.Input((8, 8, 1))
    model = keras.Model(image, keras.layers.Dense(3, name="last")(keras.layers.Flatten()(image)))
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    return folder


def with_members(good, path, compression=zipfile.ZIP_STORED, **changed):
    """Write the good archive to ``path`` with members replaced: config, weights, extra."""
    names = {"config": "config.json", "weights": "model.weights.h5", "extra": "assets/extra.bin"}
    with zipfile.ZipFile(good / "m.keras") as source, zipfile.ZipFile(path, "w", compression) as made:
        members = {name: source.read(name) for name in source.namelist()}
        for name, content in {**members, **{names[key]: value for key, value in changed.items()}}.items():
            made.writestr(name, content)
    return path


def config_with(good, change):
    config = json.loads(zipfile.ZipFile(good / "m.keras").read("config.json"))
    change(config["config"]["layers"])
    return json.dumps(config)


def set_units(units):
    def change(layers):
        layers[-1]["config"]["units"] = units

    return change


STEPWISE = {
    "time distributed": lambda: keras.layers.TimeDistributed(keras.layers.Dense(2)),
    "recurrent": lambda: keras.layers.SimpleRNN(2),
    "both ways": lambda: keras.layers.Bidirectional(keras.layers.GRU(2)),
}


def stepwise(path, layer):
    """A network that goes through the 64 pixels of a picture one by one."""
    image = keras.Input((8, 8, 1))
    x = layer(keras.layers.Reshape((64, 1))(image))
    inner = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    keras.Model(image, inner(image)).save(path)


@pytest.mark.parametrize("name", STEPWISE)
def test_a_sequence_that_takes_ages_step_by_step_is_refused(tmp_path, monkeypatch, name):
    stepwise(tmp_path / "m.keras", STEPWISE[name]())
    assert load_keras_model(tmp_path / "m.keras").output_shape == (None, 3)
    monkeypatch.setattr("toolkit.models.opening.size_check.MOST_STEPS", 63)
    with pytest.raises(
        EdgeError, match="goes through a sequence of 64 steps one by one; expected at most 63"
    ):
        load_keras_model(tmp_path / "m.keras")


def test_a_recurrent_layer_is_not_unrolled_because_its_file_says_so(tmp_path):
    stepwise(tmp_path / "m.keras", keras.layers.SimpleRNN(2, unroll=True))
    found = load_keras_model(tmp_path / "m.keras")
    (layer,) = [one for one in found._flatten_layers() if isinstance(one, keras.layers.SimpleRNN)]
    assert not layer.unroll


@pytest.mark.parametrize("units", [10**5, 10**9, 2**40])
def test_a_layer_larger_than_its_weights_is_never_made(good, tmp_path, units):
    path = with_members(good, tmp_path / "m.keras", config=config_with(good, set_units(units)))
    with pytest.raises(EdgeError, match=rf"does not fit its weights in last.*\(64, {units}\)"):
        load_keras_model(path)
    image = keras.Input((8, 8, 1))  # and nothing is left behind that the next scope would make
    keras.Model(image, keras.layers.Flatten()(image))


@pytest.mark.parametrize("enlarge", ["input", "layer"])
def test_a_picture_too_large_to_compute_is_refused(tmp_path, enlarge):
    image = keras.Input((8, 8, 1))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.UpSampling2D(2)(image))
    keras.Model(image, keras.layers.Dense(3)(x)).save(tmp_path / "good.keras")

    def change(layers):
        if enlarge == "input":
            layers[0]["config"]["batch_shape"] = [None, 10**5, 10**5, 1]
        else:
            layers[1]["config"]["size"] = [10**5, 10**5]

    config = json.loads(zipfile.ZipFile(tmp_path / "good.keras").read("config.json"))
    change(config["config"]["layers"])
    (tmp_path / "m.keras").write_bytes((tmp_path / "good.keras").read_bytes())
    path = with_members(tmp_path, tmp_path / "large.keras", config=json.dumps(config))
    with pytest.raises(EdgeError, match=r"makes [46]\d0?,\d00,000,000"):
        load_keras_model(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[" * 100_000, "nests deeper than 100"),
        (
            '{"class_name": "Sequential", "config": ' + '{"a":' * 200 + "1" + "}" * 201,
            "nests deeper than 100",
        ),
        ('{"class_name": "Functional", "config": {"units": ' + "9" * 5000 + "}}", "a number of 5000 digits"),
        ("{}", "describes no Keras network"),
        ("[1, 2]", "describes no Keras network"),
        (
            '{"class_name": "Functional", "config": {"layers": [{"config": 1}]}}',
            "Keras cannot load|no network|custom",
        ),
        ("not json", "is no JSON that can be read"),
        ("\xff\xfe", "is no JSON|damaged"),
    ],
)
def test_a_configuration_that_is_none_is_one_line(good, tmp_path, config, message):
    path = with_members(good, tmp_path / "m.keras", config=config)
    with pytest.raises(EdgeError, match=message) as raised:
        load_keras_model(path)
    assert "\n" not in str(raised.value)


def test_members_that_unpack_to_far_more_are_refused_by_their_sum(good, tmp_path):
    bomb = with_members(good, tmp_path / "c.keras", zipfile.ZIP_DEFLATED, config=b" " * (100 << 20))
    with pytest.raises(EdgeError, match=r"would unpack to 104,\d\d\d,\d\d\d"):
        read_declared(bomb, KERAS_3, tmp_path / "weights.h5")
    with zipfile.ZipFile(with_members(good, tmp_path / "m.keras", zipfile.ZIP_DEFLATED), "a") as archive:
        for number in range(40):  # each of them small enough
            archive.writestr(f"assets/{number}", b"\0" * (1 << 20), zipfile.ZIP_DEFLATED)
    with pytest.raises(EdgeError, match=r"would unpack to"):
        read_declared(tmp_path / "m.keras", KERAS_3, tmp_path / "weights.h5")
    large = with_members(good, tmp_path / "l.keras", zipfile.ZIP_DEFLATED, config=b" " * (9 << 20))
    with pytest.raises(EdgeError, match=r"config.json.*over 8,388,608 bytes"):
        read_declared(large, KERAS_3, tmp_path / "weights.h5")


def test_what_unpacks_twice_is_compared_with_the_archive_itself(good, tmp_path):
    """Each step by less than ten times: 13 MB became 5 GB."""
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("wide", data=np.zeros(64 << 20, np.uint8), chunks=(1 << 20,), compression="gzip")
        file.create_dataset("room", data=np.zeros(8 << 20, np.uint8))
    weights = (tmp_path / "w.h5").read_bytes()
    assert len(weights) * 10 > 72 << 20
    path = with_members(good, tmp_path / "m.keras", zipfile.ZIP_DEFLATED, weights=weights)
    with pytest.raises(
        EdgeError, match=f"has {path.stat().st_size:,} bytes and declares 75,497,472 of weights"
    ):
        load_keras_model(path)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_a_damaged_member_is_one_line(good, tmp_path, member):
    path = with_members(good, tmp_path / "m.keras", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    content = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(member)
    content[start + 5 : start + 60] = bytes(55)
    path.write_bytes(content)
    with pytest.raises(EdgeError, match=r"damaged|does not fit|cannot load") as raised:
        load_keras_model(path)
    assert "\n" not in str(raised.value)


def hostile_group(file, kind, tmp_path):
    group = file.create_group("layers/bad")
    if kind == "external storage":
        (tmp_path / "secret").write_bytes(b"s" * 80)
        group.create_dataset("0", (10,), "f8", external=[(str(tmp_path / "secret"), 0, 80)])
    elif kind == "external link":
        group["0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    elif kind == "soft link":
        group["0"] = h5py.SoftLink("/layers")
    elif kind == "virtual":
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (10,))
        group.create_virtual_dataset("0", layout)
    elif kind == "absurd shape":
        group.create_dataset("0", (10**6, 10**6), "f4", chunks=(1000, 1000))
    elif kind == "sum of shapes":
        for number in range(64):
            group.create_dataset(str(number), (1 << 20,), "f4", chunks=(1 << 10,))
    elif kind == "texts":
        group.create_dataset("0", (3,), h5py.string_dtype())
    elif kind == "a loop":
        group["0"] = file["layers"]
        group.create_dataset("1", (10**6, 10**6), "f4", chunks=(1000, 1000))


HOSTILE = {
    "external storage": "takes its numbers from another file",
    "external link": "is a link to elsewhere",
    "soft link": "is a link to elsewhere",
    "virtual": "takes its numbers from another file",
    "absurd shape": r"declares 4,000,000,\d\d\d,\d\d\d of weights",
    "sum of shapes": "declares 268,",
    "texts": "instead of numbers",
    "a loop": "of weights; that is no model file",
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_weights_outside_of_the_file_or_absurd_are_refused(good, tmp_path, kind, suffix):
    path = tmp_path / f"m{suffix}"
    if suffix == ".h5":
        path.write_bytes((good / "m.h5").read_bytes())
        with h5py.File(path, "r+") as file:
            hostile_group(file, kind, tmp_path)
    else:
        content = io.BytesIO(zipfile.ZipFile(good / "m.keras").read("model.weights.h5"))
        with h5py.File(content, "r+") as file:
            hostile_group(file, kind, tmp_path)
        with_members(good, path, weights=content.getvalue())
    with pytest.raises(EdgeError, match=HOSTILE[kind]):
        load_keras_model(path)


def test_weights_alone_say_what_to_do(good, tmp_path):
    keras.models.load_model(good / "m.keras").save_weights(tmp_path / "m.weights.h5")
    for name in ("m.weights.h5", "renamed.keras"):
        (tmp_path / name).write_bytes((tmp_path / "m.weights.h5").read_bytes())
        with pytest.raises(EdgeError, match=r"weights without the network.*model\.save"):
            load_keras_model(tmp_path / name)


def test_other_files_beside_weights_are_not_taken_for_their_network(good, tmp_path):
    model = keras.models.load_model(good / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "boxes.json").write_text(json.dumps(list(range(2_000_000))))
    (tmp_path / "notes.json").write_text('{"class_name": 1}', "utf-16")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(EdgeError, match=r"m\.weights\.h5 holds weights without the network"):
        read_declared(tmp_path / "m.weights.h5", HDF5, tmp_path / "copy.h5")
    (tmp_path / "architecture.json").write_text(model.to_json())
    assert read_declared(tmp_path / "m.weights.h5", HDF5, tmp_path / "copy.h5").alone


def test_a_good_file_tells_its_network(good, tmp_path):
    for name, kind in (("m.keras", KERAS_3), ("m.h5", HDF5)):
        assert read_declared(good / name, kind, tmp_path / "weights.h5").config["class_name"] == "Functional"
    with pytest.raises(EdgeError, match="expected at most"):
        parse_config(b" " * ((8 << 20) + 1), "config.json")


def test_cells_within_a_cell_are_counted(tmp_path):
    image = keras.Input((8, 8))
    cells = keras.layers.StackedRNNCells([keras.layers.SimpleRNNCell(1) for _ in range(30)])
    keras.Model(image, keras.layers.RNN(cells)(image)).save(tmp_path / "m.keras")
    load_keras_model(tmp_path / "m.keras")

    config = json.loads(zipfile.ZipFile(tmp_path / "m.keras").read("config.json"))
    (rnn,) = [one for one in config["config"]["layers"] if one["class_name"] == "RNN"]
    held = rnn["config"]["cell"]["config"]["cells"]
    rnn["config"]["cell"]["config"]["cells"] = held * 100
    path = with_members(tmp_path, tmp_path / "many.keras", config=json.dumps(config))
    with pytest.raises(EdgeError, match=r"calls 3,0\d\d layers when it is built; expected at most 2,000"):
        load_keras_model(path)
