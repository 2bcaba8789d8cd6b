"""Write the files of this version that later ones must still read: python tests/kept/make_kept.py

Run once for each release, with the installed commands; the folders of earlier releases stay as they are.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from device.service.unit import unit_text

KEPT = Path(__file__).resolve().parent / version("fer-edge")
CONFIG = """# settings of a board
source = "demo:20"
detector = "haar"
smoothing = 0.5
min-face = 40
max-frames = 20

[[rule]]
name = "smile"
expression = "happy"
probability = 0.7
held-for = 1.0
cool-down-s = 10
command = ["true"]
"""
MODEL = """
import keras, sys
from toolkit.models.keras_file import save_model
from device.model.expression_model import load_model
layers = [keras.layers.Rescaling(1 / 255), keras.layers.AveragePooling2D(12), keras.layers.Flatten()]
network = keras.Sequential([keras.Input((48, 48, 1)), *layers, keras.layers.Dense(7, activation="softmax")])
save_model(network, sys.argv[1], {"labels": list(load_model().labels)})
"""
NETWORK = '''"""A network of two hundred weights."""

import keras


def build(classes: int = 7) -> keras.Model:
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.AveragePooling2D(12), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((48, 48, 1)), *layers, keras.layers.Dense(classes)])
'''
SERVICE = (
    *(
        "--source",
        "picamera",
        "--rotate",
        "180",
        "--size",
        "1280x720",
        "--detector",
        "yunet",
        "--smoothing",
        "0.5",
    ),
    *("--mqtt", "mqtt://board@broker.local:1883", "--mqtt-password-file", "/etc/fer-edge/broker"),
    *(
        "--output",
        "rows.jsonl",
        "--append",
        "--blur-faces",
        "--preview",
        "127.0.0.1:8008",
        "--metrics",
        "9108",
    ),
)


def run(*arguments: object, out: str = "") -> None:
    """Run a command in the folder of this version, so that its files name no other."""
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=KEPT)
    assert done.returncode == 0, done.stderr
    if out:
        (KEPT / out).write_text(done.stdout)


def keep_training() -> None:
    """A training that stopped after its first of two epochs, and the few faces that it learns from."""
    (KEPT / "tiny.py").write_text(NETWORK)
    with tempfile.TemporaryDirectory() as folder:
        faces = Path(folder) / "faces"
        run("toolkit", "data", "synth", "--out", faces, "-q")
        for split, count in (("train", 2), ("validation", 1)):
            for named in sorted((faces / split).iterdir()):
                for face in sorted(named.iterdir())[:count]:
                    kept = KEPT / "faces" / split / named.name / face.name
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(face, kept)
    train = ("toolkit", "train", "--data", "faces", "--arch", "tiny.py", "--out", "training", "--epochs", 1)
    run(*train, "-q")
    shutil.rmtree(KEPT / "training" / "tensorboard", ignore_errors=True)
    for picture in (KEPT / "training").glob("*.png"):
        picture.unlink()
    move_data(KEPT / "training" / "checkpoint.npz")


def move_data(checkpoint: Path) -> None:
    """Let ``checkpoint`` name a place that no machine has: kept files are read wherever they are cloned."""
    with np.load(checkpoint) as kept:
        arrays = dict(kept)
    state = json.loads(arrays["state"].tobytes())
    state["request"]["data"] = "/nowhere/faces"
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    np.savez(checkpoint, **arrays)


def keep_unit() -> None:
    """The service's unit, for a program that lies where a board has it."""
    (KEPT / "fer-edge.service").write_text(unit_text(SERVICE, "/opt/fer-edge/bin/device"))


def main() -> None:
    KEPT.mkdir()
    (KEPT / "config.toml").write_text(CONFIG)
    subprocess.run([sys.executable, "-c", MODEL, "tiny.keras"], check=True, cwd=KEPT)
    model = "tiny_int8.tflite"
    quantize = ("toolkit", "quantize", "--model", "tiny.keras", "--out", model, "--untrained", "-q")
    run(*quantize, "--results", "quantize.json")
    run("toolkit", "evaluate", "--model", model, "--data", "synthetic", "--out", "evaluation.json", "-q")
    run("toolkit", "benchmark", "--model", model, "--runs", 20, "--out", "benchmark.json", "-q")
    run("toolkit", "data", "inspect", "synthetic", "--no-near", "--json", out="inspection.json")
    rows = ("device", "run", "--source", "demo:20", "--model", model, "--detector", "haar")
    run(*rows, "--output", "rows.jsonl", "--json", out="run.json")
    run(*rows, "--output", "rows.csv", "-q")
    run("device", "benchmark", "--model", model, "--runs", 20, "--json", out="device_benchmark.json")
    keep_training()
    keep_unit()


if __name__ == "__main__":
    main()
