"""A model file in half precision: half as large, and Keras reads it as it reads any other."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "models" / "half_precision.py"
pytestmark = pytest.mark.toolkit


def halve(source, target):
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(source), str(target)], capture_output=True, text=True
    )


def test_it_answers_alike(tmp_path):
    from toolkit.models.keras_file import load_keras_model, read_keras_metadata

    source, target = ROOT / "models" / "best.keras", tmp_path / "half.keras"
    done = halve(source, target)
    assert (done.returncode, done.stderr) == (0, "")
    assert target.stat().st_size < 0.56 * source.stat().st_size
    assert read_keras_metadata(target) == read_keras_metadata(source)
    exact, halved = load_keras_model(source), load_keras_model(target)
    assert {weight.dtype for weight in halved.weights} == {"float32"}
    for ours, theirs in zip(halved.get_weights(), exact.get_weights(), strict=True):
        assert np.allclose(ours, theirs, rtol=2**-11, atol=2**-25)
    faces = np.random.default_rng(0).uniform(0, 255, (8, 48, 48, 1)).astype(np.float32)
    assert np.abs(halved.predict(faces, verbose=0) - exact.predict(faces, verbose=0)).max() < 0.02


def test_numbers_too_large_for_it_stay(tmp_path):
    import keras

    from toolkit.models.keras_file import load_keras_model

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    kernel = np.array([[70_000.0, 1], [2, 3]], np.float32)
    model.set_weights([kernel, np.zeros(2, np.float32)])
    model.save(tmp_path / "model.keras")
    assert halve(tmp_path / "model.keras", tmp_path / "half.keras").returncode == 0
    assert np.array_equal(load_keras_model(tmp_path / "half.keras").get_weights()[0], kernel)


def test_another_file_is_refused_and_nothing_is_left(tmp_path):
    done = halve(ROOT / "README.md", tmp_path / "half.keras")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "expected a .keras file" in done.stderr
    assert not list(tmp_path.iterdir())
