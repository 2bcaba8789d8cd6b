"""The commands of the README, run as they are printed and in their order, in one folder with stand-ins for its files.

Long ones get options behind them that shorten them; what is not run stands in NOT_RUN with its reason.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from device.capture.sources.demo import DemoSource

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHORTENED = {
    "device doctor": "--source demo",
    "device run --source demo:live --preview": "--seconds 2",
    "toolkit quantize --model other.h5": "--untrained",
    "toolkit train --out runs/one --resume": "--epochs 2",
    "toolkit train --list-archs": "",
    "toolkit train": "--epochs 1",
    "toolkit compare": "--epochs 1 --seeds 1",
}
NOT_RUN = {
    "make ": "setting up and testing: .ci/run does it",
    "pip install": "test_wheel.py installs the wheel",
    "toolkit deploy": "test_deploy.py has the board",
    "device fetch": "test_fetching.py has the server",
    "device service install": "it would install a service on this machine; test_service.py reads the unit",
    "toolkit benchmark --model best_int8.tflite --target pi4": "test_arm64_estimate.py has the emulated board",
    "toolkit train --data DATA --arch vgg16": "the published weights are large",
    "toolkit train --data DATA --arch face-compact": "a trained face-mobilenet does not ship",
    "toolkit compare --data DATA --vary": "four trainings; tests/toolkit/comparison varies options",
}
OWN_NETWORK = """
import keras
def build(class_count):
    layers = [keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((32, 32, 1)), *layers, keras.layers.Dense(class_count, activation="softmax")])
"""
CAMERA = re.compile(r"device run($| --source usb| --rotate)")


def printed() -> list[str]:
    """Return the commands of the README's blocks, without what is said behind them."""
    blocks = re.findall(r"^```\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines]


def is_run(command: str) -> bool:
    return not command.startswith(tuple(NOT_RUN)) and not CAMERA.match(command)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What a reader has: models, faces, photographs and a film by the README's names."""
    here = tmp_path_factory.mktemp("reader")
    (here / "models").symlink_to(ROOT / "models")
    shutil.copy(ROOT / "models" / "small.keras", here / "best.keras")
    shutil.copy(ROOT / "models" / "compact.keras", here)
    for name in ("best_int8.tflite", "better.tflite"):
        shutil.copy(ROOT / "models" / "small_int8.tflite", here / name)
    (here / "my_net.py").write_text(OWN_NETWORK)
    for name in ("DATA", "my_faces"):
        run(here, f"toolkit data synth --out {name}")
    run(here, "device run --source demo:30 --video walk.mp4")
    with DemoSource(2) as demo:
        (here / "photos").mkdir()
        for number in range(2):
            cv2.imwrite(str(here / "photos" / f"{number}.jpg"), demo.picture(number))
    other = f"{OWN_NETWORK}\nbuild(2).save('other.h5')"
    subprocess.run([sys.executable, "-c", other], cwd=here, check=True, capture_output=True)
    return here


def run(folder: Path, command: str) -> subprocess.CompletedProcess:
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "FER_EDGE_HOME": str(folder / "state"), "HOME": str(folder)}
    done = subprocess.run(
        [BIN / program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done


@pytest.mark.parametrize("command", [command for command in printed() if is_run(command)])
def test_a_command_works_as_printed(folder, command):
    shorter = next((more for start, more in SHORTENED.items() if command.startswith(start)), "")
    if command == "toolkit quantize --model best.keras":
        (folder / "best_int8.tflite").unlink()  # it stood for the reader's own until here
    run(folder, f"{command} {shorter}")


def test_every_reason_is_of_a_command_that_is_printed():
    for start in (*NOT_RUN, *SHORTENED):
        assert any(command.startswith(start) for command in printed()), start
