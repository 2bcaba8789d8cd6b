"""Fixtures: a data set of folders, model files, the installed command, and the results files it writes of them."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.model.file.metadata import read_metadata
from toolkit.models.packing import pack_metadata

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
TINY = Path(__file__).parent / "device" / "models" / "tiny_int8.tflite"


@pytest.fixture(scope="session")
def tiny_tflite() -> Path:
    """A seven-class int8 model of some kB, with metadata."""
    return TINY


@pytest.fixture(scope="session")
def twin_tflite(tmp_path_factory) -> Path:
    """The same network as ``tiny_tflite`` in a file of another digest."""
    path = tmp_path_factory.mktemp("twin") / "twin_int8.tflite"
    metadata = read_metadata(TINY)
    path.write_bytes(
        pack_metadata(TINY.read_bytes(), dataclasses.replace(metadata, created="2026-01-01T00:00:00+00:00"))
    )
    return path


@pytest.fixture(scope="session")
def tiny_keras(tmp_path_factory) -> Path:
    """The float network that ``tiny_tflite`` was made of."""
    sys.path.insert(0, str(TINY.parent))
    from make_tiny import tiny_network

    from toolkit.models.keras_file import save_model

    path = tmp_path_factory.mktemp("keras") / "tiny.keras"
    save_model(tiny_network(), path, {"labels": list(CLASSES)})
    return path


@pytest.fixture(scope="session")
def face_folders(tmp_path_factory) -> Path:
    """Folders by split and class: 3 train and 4 test faces a class; 2 test faces also stand in train."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(3)
    for split, number in (("train", 3), ("test", 4)):
        for name in CLASSES:
            (root / split / name).mkdir(parents=True)
            for index in range(number):
                face = cv2.resize(rng.integers(0, 256, (6, 6), dtype=np.uint8), (48, 48))
                cv2.imwrite(str(root / split / name / f"{index}.png"), face)
    for name in ("happy", "sad"):
        leaked = (root / "train" / name / "0.png").read_bytes()
        (root / "test" / name / "0.png").write_bytes(leaked)
    return root


def toolkit_after(*prefix: str):
    """Return a function that runs the installed ``toolkit`` behind ``prefix`` and returns the finished process."""
    script = Path(sys.executable).with_name("toolkit")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess:
        command = [*prefix, str(script), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="session")
def toolkit_command():
    """A function that runs the installed ``toolkit`` and returns the finished process."""
    return toolkit_after()


@pytest.fixture(scope="session")
def forked_toolkit():
    """As ``toolkit_command``, from a process that has imported what takes seconds: that is done once for all."""
    from forked_toolkit import forked_toolkit

    return forked_toolkit


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory, toolkit_command, tiny_tflite, twin_tflite, face_folders) -> Path:
    """A results file: the twin models evaluated on the folders."""
    out = tmp_path_factory.mktemp("results") / "evaluate.json"
    models = ("--model", tiny_tflite, "--model", twin_tflite)
    done = toolkit_command("evaluate", *models, "--data", face_folders, "--out", out, "--quiet")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def timed(tmp_path_factory, toolkit_command, tiny_tflite, twin_tflite) -> Path:
    """A results file: the twin models benchmarked."""
    out = tmp_path_factory.mktemp("results") / "benchmark.json"
    models = ("--model", tiny_tflite, "--model", twin_tflite)
    done = toolkit_command("benchmark", *models, "--runs", "40", "--warmup", "5", "--out", out, "--quiet")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def load_json():
    """A function that reads a JSON file."""
    return lambda path: json.loads(Path(path).read_text())


@pytest.fixture
def counted_report():
    """A function that returns the report, as results hold it, of a confusion matrix: every face with all certainty."""
    from toolkit.results.metrics import evaluate_predictions

    def make(confusion, classes=CLASSES):
        counts = np.asarray(confusion)
        labels, named = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
        report = evaluate_predictions(np.eye(len(classes))[named], labels, tuple(classes))
        return json.loads(json.dumps(dataclasses.asdict(report)))

    return make


@pytest.fixture(scope="session")
def toolkit_of_a_user(tmp_path_factory):
    """As ``toolkit_command``, but files and folders that may not be read are not, even where the tests run as root."""
    secret = tmp_path_factory.mktemp("secret") / "file"
    secret.write_text("")
    secret.chmod(0)
    rights = "-dac_override,-dac_read_search"
    prefix = [] if os.geteuid() else ["setpriv", "--bounding-set", rights]
    try:
        tried = subprocess.run([*prefix, "cat", str(secret)], capture_output=True)
    except FileNotFoundError:
        tried = None
    if tried is None or b"Permission denied" not in tried.stderr:
        pytest.skip("root reads everything here: no setpriv, or it may not give up rights")
    return toolkit_after(*prefix)
