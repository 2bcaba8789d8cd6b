"""The commands of README and docs, run as they are printed, in the order in which a reader meets them, in one folder.

Those that import TensorFlow are forked from a process that has done so, the others are a shell's. Long ones get options
behind them that shorten them; what is not run stands in NOT_RUN or CAMERA with its reason.
docs/REFERENCE.md prints no commands but their help, docs/API.md Python (tests/test_api_examples.py).
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
from forked_toolkit import forked_toolkit

from device.capture.sources.demo import DemoSource

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHORTENED = {
    "device doctor": "--source demo",
    "device run --source demo:live --preview": "--seconds 2",
    "toolkit quantize --model other.h5": "--untrained",
    "toolkit train --out runs/one --resume": "--epochs 2",
    "toolkit train --list-archs": "",
    "toolkit train --data DATA --out runs/one": "--epochs 1 --arch fully-connected",
    "toolkit train --data DATA --classes": "--epochs 1 --arch fully-connected",
    "toolkit train --data DATA --out runs/tracked": "--epochs 1 --arch fully-connected",
    "toolkit train": "--epochs 1",
    "toolkit sweep": "--trials 1",
    "toolkit benchmark": "--runs 20",
    "device benchmark": "--runs 20",
}
NOT_RUN = {
    "make ": "setting up and testing: .ci/run does it",
    "bash .ci/run": "it runs this test",
    "pip install": "test_wheel.py and test_arm64_device.py install the wheel so",
    "pipx install": "test_wheel.py has pipx",
    "uv tool install": "test_wheel.py has uv",
    "sudo ": "it would change this machine; test_service.py reads the unit, test_deploy_service.py starts its program",
    "systemctl ": "no systemd runs here",
    "journalctl ": "no systemd runs here",
    "rpicam-hello": "a board's own program",
    "scp ": "test_deploy.py has the board",
    "ssh ": "test_deploy.py has the board",
    "device run --preview": "it needs a camera; 'device run --source demo:live --preview' is run",
    "device run --model best_int8_edgetpu.tflite": "it needs a Coral stick; test_delegates.py builds a delegate",
    "toolkit deploy": "test_deploy.py has the board",
    "device fetch": "test_yunet_file.py has the server",
    "toolkit benchmark --model best_int8.tflite --target pi4": "test_arm64_estimate.py has the emulated board",
    "KERAS_BACKEND=jax ": "test_backends.py installs JAX",
    "toolkit train --data DATA --arch vgg16": "the published weights are large",
    "toolkit train --data DATA --arch face-compact": "a trained face-mobilenet does not ship",
    "toolkit compare": "many trainings; tests/toolkit/comparison has both kinds, of smaller networks",
}
OWN_NETWORK = """
import keras
def build(class_count):
    layers = [keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((32, 32, 1)), *layers, keras.layers.Dense(class_count, activation="softmax")])
"""
# These import TensorFlow, and need nothing of a shell.
FORKED = re.compile(r"toolkit (quantize|train|evaluate|benchmark|sweep) [^'*~$]*$")
# These would wait for a camera.
CAMERA = re.compile(r"device run($| --source usb| --rotate)")
DOCUMENTS = (
    "README.md",
    "docs/PI_QUICKSTART.md",
    "CONTRIBUTING.md",
    "docs/FAQ.md",
    "docs/DATA.md",
    "docs/NETWORKS.md",
    "docs/SCALING.md",
)
OF_A_CLASS = 6  # faces of each split, enough to try things out


def printed() -> list[str]:
    """Return the commands of the documents' blocks, without what is said behind them, each once."""
    text = "".join((ROOT / name).read_text() for name in DOCUMENTS)
    blocks = re.findall(r"^```(?:sh|bash|shell|console)?\n(.*?)^```$", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(eval [^`]+)`", " ".join(text.split()))
    return list(dict.fromkeys(re.sub(r"\s+# .*", "", line).strip() for line in lines))


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
    (here / "space.toml").write_text(
        'arch = "my_net.py"\nepochs = 1\nlearning_rate = {low = 0.01, high = 0.3}\n'
    )
    run(here, "toolkit data synth --out DATA")
    for folder in [folder for folder in (here / "DATA").rglob("*") if any(folder.glob("*.png"))]:
        for surplus in sorted(folder.glob("*.png"))[OF_A_CLASS:]:
            surplus.unlink()
    shutil.copytree(here / "DATA", here / "my_faces")
    run(here, "device run --source demo:30 --video walk.mp4")
    with DemoSource(2) as demo:
        (here / "photos").mkdir()
        for number in range(2):
            cv2.imwrite(str(here / "photos" / f"{number}.jpg"), demo.picture(number))
    other = f"{OWN_NETWORK}\nbuild(2).save('other.h5')"
    subprocess.run([sys.executable, "-c", other], cwd=here, check=True, capture_output=True)
    return here


def run(folder: Path, command: str) -> None:
    """Run ``command`` in a shell whose programs are first those of this environment, or forked."""
    path = f"{BIN}:{os.environ['PATH']}"
    with pytest.MonkeyPatch.context() as reader:
        reader.chdir(folder)
        for name, value in {"PATH": path, "FER_EDGE_HOME": folder / "state", "HOME": folder}.items():
            reader.setenv(name, str(value))
        if FORKED.match(command):
            done = forked_toolkit(*shlex.split(command)[1:])
        else:
            shell = ["bash", "-euo", "pipefail", "-c", command]
            done = subprocess.run(shell, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.mark.parametrize("command", [command for command in printed() if is_run(command)])
def test_a_command_works_as_printed(folder, command):
    shorter = next((more for start, more in SHORTENED.items() if command.startswith(start)), "")
    if command == "toolkit quantize --model best.keras":
        (folder / "best_int8.tflite").unlink()  # it stood for the reader's own until here
    run(folder, f"{command} {shorter}")


def test_every_reason_is_of_a_command_that_is_printed():
    for start in (*NOT_RUN, *SHORTENED):
        assert any(command.startswith(start) for command in printed()), start


def test_every_document_with_commands_is_among_them():
    written = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "models" / "README.md",
    ]
    programs = re.compile(r"^(?:sudo |\. )?(?:~/\S*/)?(?:device|toolkit|make|pip) ", re.M)
    for path in written:
        blocks = re.findall(r"^```(?:sh|bash|shell|console)?\n(.*?)^```$", path.read_text(), re.M | re.S)
        shown = any(programs.search(re.sub(r"^Usage:.*", "", block, flags=re.S)) for block in blocks)
        assert not shown or str(path.relative_to(ROOT)) in DOCUMENTS, path
