"""Training without TensorFlow: the [train] extra with JAX or torch alone, and what it hands back under TensorFlow.

Each backend gets an environment of its own, installed from the package index; a minute or two each.
"""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the handed-back model is read under the [toolkit] extra")

from toolkit.models.predictors import load_predictor

pytestmark = pytest.mark.toolkit
# torch's CPU build, where an index offers one under this number.
BACKENDS = {"jax": "jax", "torch": "torch==2.13.0"}


@pytest.fixture(params=BACKENDS)
def backend(request, wheel, tmp_path):
    """A backend's name and the Python of a clean environment with the wheel's [train] extra and that backend."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", f"{wheel}[train]", BACKENDS[request.param]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return request.param, python


def train(backend, out, data, *options):
    name, python = backend
    command = [
        python,
        "-m",
        "toolkit",
        "train",
        "--data",
        data,
        "--out",
        out,
        "--json",
        "--batch-size",
        "16",
        *options,
    ]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env={"KERAS_BACKEND": name, "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_backend_trains_teaches_and_hands_back(backend, stripes, tmp_path):
    assert subprocess.run([backend[1], "-c", "import tensorflow"], capture_output=True).returncode == 1
    plain = tmp_path / "plain.toml"
    plain.write_text('augmentation = 0\narch = "fully-connected"\ndtype_policy = "float32"\n')
    first = train(backend, tmp_path / "first", stripes, "--recipe", plain, "--epochs", "10")
    assert first["validation"]["accuracy"] >= 0.9
    train(
        backend,
        tmp_path / "again",
        stripes,
        "--arch",
        "compact",
        "--epochs",
        "1",
        "--teacher",
        first["model"],
    )

    # The same file gives the same probabilities under TensorFlow: learnt there, known here.
    pictures = sorted((stripes / "validation").glob("*/*.png"))
    faces = np.stack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in pictures])
    named = load_predictor(first["model"]).predict(faces).argmax(axis=1)
    right = named == [("happy", "sad").index(path.parent.name) for path in pictures]
    assert right.mean() == pytest.approx(first["validation"]["accuracy"])
