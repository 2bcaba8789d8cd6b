"""Our .keras files: stock Keras loads them; damaged, foreign and unsafe ones are one line."""

import os
import zipfile

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model, read_keras_metadata, save_model

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def model():
    image = keras.Input((8, 8, 1))
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))


@pytest.fixture
def saved(model, tmp_path):
    save_model(model, tmp_path / "m.keras", {"labels": ["a", "b", "c"], "crop_margin": 1.2})
    return tmp_path / "m.keras"


def test_metadata_comes_back_and_stock_keras_loads_the_file(saved, model):
    assert read_keras_metadata(saved) == {"labels": ["a", "b", "c"], "crop_margin": 1.2}
    image = np.random.default_rng(0).random((2, 8, 8, 1), dtype=np.float32)
    stock = keras.models.load_model(saved)
    assert np.array_equal(stock(image), model(image))
    assert np.array_equal(load_keras_model(saved)(image), model(image))


def test_an_existing_file_stays_unless_told(saved, model):
    before = saved.read_bytes()
    with pytest.raises(EdgeError, match="--overwrite"):
        save_model(model, saved, {})
    assert saved.read_bytes() == before
    save_model(model, saved, {"labels": []}, overwrite=True)
    assert read_keras_metadata(saved) == {"labels": []}
    assert [path.name for path in saved.parent.iterdir()] == ["m.keras"]


def test_a_stock_file_has_no_metadata(model, tmp_path):
    model.save(tmp_path / "stock.keras")
    assert read_keras_metadata(tmp_path / "stock.keras") is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.keras", b"", "is empty"),
        ("m.keras", b"PK\x03\x04 and no more", "was cut short: its end is missing"),
        ("m.keras", b"\x89PNG", "no Keras model"),
        ("m.h5", b"PK\x03\x04", "no HDF5 file"),
        ("m.pt", b"PK\x03\x04", "expected a .keras file"),
    ],
)
def test_foreign_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgeError, match=message):
        load_keras_model(tmp_path / name)


def test_a_file_that_lost_its_end_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-300])
    with pytest.raises(EdgeError, match="cut short"):
        load_keras_model(saved)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(EdgeError, match=r"no model at .*none.keras"):
        load_keras_model(tmp_path / "none.keras")
    with pytest.raises(EdgeError, match=r"without saved_model.pb"):
        load_keras_model(tmp_path)


def test_another_zip_is_no_model(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.keras", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(EdgeError, match=r"config.json, model.weights.h5 is missing"):
        load_keras_model(tmp_path / "z.keras")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_is_named_and_never_run(tmp_path, suffix):
    witness = tmp_path / "ran"
    image = keras.Input((8, 8, 1))

    def payload(x, path=str(witness)):
        import pathlib

        pathlib.Path(path).write_text("ran")
        return x

    hidden = keras.layers.Lambda(payload, name="innocent")(image)
    keras.Model(image, keras.layers.Flatten()(hidden)).save(tmp_path / f"m{suffix}")
    witness.unlink()
    with pytest.raises(EdgeError, match=r"Python code in the layer innocent \(Lambda\), which is not run"):
        load_keras_model(tmp_path / f"m{suffix}")
    assert not witness.exists()


def test_a_custom_class_is_named(tmp_path):
    class Swirl(keras.layers.Layer):
        def call(self, x):
            return x

    image = keras.Input((8, 8, 1))
    keras.Model(image, Swirl(name="first")(image)).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"custom class Swirl \(first\)"):
        load_keras_model(tmp_path / "m.keras")


def test_a_saved_model_that_writes_files_is_refused(tmp_path):
    tf = pytest.importorskip("tensorflow")

    class Writer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 1))])
        def serve(self, x):
            tf.io.write_file(str(tmp_path / "ran"), "ran")
            return tf.reshape(x, (1, 64))

    writer = Writer()
    tf.saved_model.save(writer, str(tmp_path / "m"), signatures={"serving_default": writer.serve})
    with pytest.raises(EdgeError, match="reaches outside of its graph with WriteFile"):
        load_keras_model(tmp_path / "m")
    assert not (tmp_path / "ran").exists()


def test_a_damaged_saved_model_is_one_line(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(EdgeError, match=r"saved_model.pb is damaged"):
        load_keras_model(tmp_path)
