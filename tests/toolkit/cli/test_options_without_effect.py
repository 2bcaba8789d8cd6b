"""An option that would do nothing beside the others is refused in one line, before anything is read or measured."""

import pytest

from device.errors import UsageError
from toolkit.comparison.comparison import ComparisonRequest, compare
from toolkit.models.options import ModelOptions
from toolkit.models.predictors import load_predictors

pytestmark = pytest.mark.toolkit

COMMANDS = {
    "evaluate TFLITE --data DATA --pixel-range 0..1": "--pixel-range is for files that do not tell which pixel values",
    "evaluate TFLITE --data DATA --input-size 96": "--input-size is for Keras models that take pictures of any size",
    "evaluate TFLITE --frames DATA --input-size 96": "--input-size is for Keras models",
    "evaluate KERAS --data DATA --delegate edgetpu": "--delegate is for .tflite files",
    "evaluate TFLITE --frames DATA --split test": "--split belongs to --data; add --data DATA",
    "evaluate TFLITE --frames DATA --label-source ferplus": "--label-source belongs to --data",
    "evaluate TFLITE --frames DATA --robustness": "--robustness belongs to --data",
    "evaluate TFLITE --data DATA --detector haar": "--detector belongs to --frames; add --frames DIR",
    "quantize KERAS --label-source ferplus": "--label-source belongs to --data",
    "benchmark TFLITE --target pi4 --batch 8": "--batch is for a measurement, which --target without host makes none",
    "benchmark TFLITE --target pi5 --runs 3": "--runs is for a measurement",
    "benchmark TFLITE --target pi5 --threads 4": "--threads is for a measurement",
    "benchmark TFLITE --pixel-range 0..1": "--pixel-range is for files that do not tell",
    "benchmark KERAS --threads 4": "--threads is for .tflite files",
    "report RESULTS --faces DATA": "--faces belongs to --out; add --out FILE.html or leave it out",
    "train --data DATA --augment light --augmentation 0": "--augment names changes, and --augmentation 0 makes none",
    "train --out RESULTS --resume --overwrite": "--resume goes on with the training that --overwrite replaces",
    "compare --data DATA --vary epochs=1,2 --epochs 3": "every variant says its own epochs, so --epochs does nothing",
}


@pytest.mark.parametrize(("command", "words"), COMMANDS.items(), ids=COMMANDS)
def test_it_is_refused(
    command, words, forked_toolkit, tiny_tflite, tiny_keras, evaluated, face_folders, tmp_path
):
    meant = {"TFLITE": ("--model", tiny_tflite), "KERAS": ("--model", tiny_keras), "DATA": (face_folders,)}
    meant |= {"RESULTS": (evaluated,)}
    done = forked_toolkit(*(part for word in command.split() for part in meant.get(word, (word,))))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_one_file_that_heeds_it_is_enough(tiny_tflite, tiny_keras):
    both = load_predictors([str(tiny_tflite), str(tiny_keras)], ModelOptions(pixel_range="0..255", threads=2))
    assert list(both) == [str(tiny_tflite), str(tiny_keras)]


def test_what_the_file_says_itself_may_be_said(tiny_tflite):
    assert load_predictors([str(tiny_tflite)], ModelOptions(pixel_range="0..255", input_size=48))


def test_boards_without_int8_files_are_not_compared(face_folders, tmp_path):
    asked = ComparisonRequest(face_folders, tmp_path / "out", (), targets=("pi4",), quantize=False)
    with pytest.raises(UsageError, match="`target` estimates int8 files, and `no_int8` makes none"):
        compare(asked)
    assert not (tmp_path / "out").exists()
