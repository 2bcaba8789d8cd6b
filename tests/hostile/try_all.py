"""Try hostile model files on the commands that take them, and print what happened to each.

    python tests/hostile/try_all.py [WORD...]   # those whose kind or name holds one of them

What `toolkit` takes goes through evaluate and quantize. Right is exit 0, 1 or 2 without a signal, one line that begins
with "error:" if it failed, at most 10 s of processor time and 700 MB, and nothing written or run elsewhere; the exit
status is 1 unless all were so.
"""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import keras
import tensorflow  # noqa: F401
from keras_files import FILES, METADATA_FILES, WITNESS
from saved_models import FOLDERS
from tflite_files import TFLITE_FILES

from device.cli import main as main_of_device
from toolkit.cli import main as main_of_toolkit

LIMIT_S, LIMIT_MB = 10.0, 700
GIVEN_UP_S = 300.0  # by the clock


def good_model(folder: Path) -> Path:
    """Write a small network as ``good.keras`` and ``good.h5``, in a fork: TensorFlow's threads survive none."""
    if (pid := os.fork()) == 0:
        write_model(folder)
        os._exit(0)
    os.waitpid(pid, 0)
    return folder / "good.keras"


def write_model(folder: Path) -> None:
    image = keras.Input((48, 48, 1), name="image")
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.Flatten(name="flatten")(keras.layers.MaxPooling2D(4, name="pool")(x))
    model = keras.Model(image, keras.layers.Dense(7, activation="softmax", name="dense")(x))
    model.save(folder / "good.keras")
    model.save(folder / "good.h5")
    model.export(folder / "good_saved", verbose=False)


def faces(folder: Path) -> Path:
    import cv2
    import numpy as np

    for name in "abcdefg":
        (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / name / "0.png"), np.full((48, 48), ord(name), np.uint8))
    return folder


def tried(arguments: list[str], cwd: Path) -> tuple[int, list[str], float, float]:
    """Return exit status, lines on standard error, seconds of processor time and the largest memory in MB.

    The command runs in a fork of this process, which has loaded TensorFlow already.
    """
    with tempfile.TemporaryFile() as told:
        if (pid := os.fork()) == 0:
            os.chdir(cwd)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(told.fileno(), 2)
            signal.setitimer(signal.ITIMER_REAL, GIVEN_UP_S)  # ends the process
            sys.argv = arguments
            try:
                (main_of_device if arguments[0] == "device" else main_of_toolkit)()
            except SystemExit as ended:
                os._exit(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
            os._exit(0)
        _, status, used = os.wait4(pid, 0)
        told.seek(0)
        lines = told.read().decode(errors="replace").splitlines()
    return os.waitstatus_to_exitcode(status), lines, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def faults(status: int, lines: list[str], seconds: float, megabytes: float) -> list[str]:
    found = [] if status in (0, 1, 2) else [f"exit {status}"]
    wrong = sum(line.startswith("error: ") for line in lines)
    found += (
        [f"{wrong} errors"] if wrong != (status != 0) or any("Traceback" in line for line in lines) else []
    )
    found += ["unexpected"] if any("unexpected" in line for line in lines) else []
    found += [f"{seconds:.1f} s"] if seconds > LIMIT_S else []
    found += [f"{megabytes:.0f} MB"] if megabytes > LIMIT_MB else []
    return found + (["something was written or run"] if Path(WITNESS).exists() else [])


def commands_for(path: Path, name: str, data: Path) -> list[list[str]]:
    """Return the commands that take the file at ``path``, which holds the kind ``name``."""
    if path.suffix == ".tflite":
        return [["device", "info", str(path)]]
    labels = () if name in METADATA_FILES else ("--labels", "a,b,c,d,e,f,g")
    given = ("--model", str(path), "--data", str(data), *labels)
    made = ("--out", str(path.with_name("made.tflite")), "--overwrite", "--untrained")
    return [["toolkit", "evaluate", *given], ["toolkit", "quantize", *given, *made]]


def main(*words: str) -> int:
    wrong = number = 0
    Path(WITNESS).unlink(missing_ok=True)
    kinds = {**FILES, ".tflite": TFLITE_FILES, "": FOLDERS}
    every = [(suffix, *kind) for suffix, held in kinds.items() for kind in held.items()]
    with tempfile.TemporaryDirectory() as folder:
        good, data = good_model(Path(folder)), faces(Path(folder, "faces"))
        for suffix, name, write in every:
            if words and not any(word in f"{suffix} {name}" for word in words):
                continue
            path = Path(folder, f"hostile{suffix}")
            write(good, path)
            for command in commands_for(path, name, data):
                status, lines, seconds, megabytes = tried(command, Path(folder))
                found = faults(status, lines, seconds, megabytes)
                number, wrong = number + 1, wrong + bool(found)
                print(f"{'WRONG ' + ', '.join(found) if found else 'right'} | {command[1]} {suffix} {name} | {status}, "
                      f"{seconds:.1f} s, {megabytes:.0f} MB | {(lines or [''])[-1][:160]}", flush=True)  # fmt: skip
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(f"{number} tried, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
