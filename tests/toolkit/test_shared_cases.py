"""The Keras files and data that once failed, through the real commands: the right value or one clear line."""

import re

import pytest

pytestmark = pytest.mark.toolkit
LABELS = "angry,disgust,fear,happy,sad,surprise,neutral"
REFUSED = {
    "hostile/dense_1e9.keras": "does not fit its weights in logits",
    "hostile/json_deep.keras": "nests deeper than 100",
    "hostile/h5_external_storage.keras": "takes its numbers from another file",
    "hostile/sm_textline_read": "is not run: its graph holds .*Dataset",
    "foreign/gru_over_rows.keras": "the layer gru .*--recipe float16",
    "foreign/size_none.keras": "pass --input-size",
}
OPENED = (
    "seven_sigmoids.keras",
    "mixed_float16.keras",
    "hdf5_named_keras.keras",
    "sequential_of_keras_2_0.h5",
)


@pytest.fixture
def cases(shared_dir):
    if not (shared_dir / "cases").is_dir():
        pytest.skip(f"no cases in {shared_dir}")
    return shared_dir / "cases"


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_quantized_is_one_line(forked_toolkit, cases, tmp_path, name):
    options = ("--labels", LABELS, "--untrained", "--out", tmp_path / "out.tflite")
    early = name.startswith("hostile/")  # before anything is told
    done = forked_toolkit("quantize", "--model", cases / name, *options, *(() if early else ("-q",)))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert re.search(REFUSED[name], done.stderr)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", OPENED)
def test_what_can_be_opened_becomes_int8(forked_toolkit, cases, tmp_path, name):
    options = ("--labels", LABELS, "--untrained", "-q", "--out", tmp_path / "out.tflite")
    done = forked_toolkit("quantize", "--model", cases / "foreign" / name, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.tflite").is_file()


def test_the_way_out_that_a_line_names_works(forked_toolkit, cases, tmp_path):
    for name, way in (("gru_over_rows", ("--recipe", "float16")), ("size_none", ("--input-size", "48"))):
        options = ("--labels", LABELS, "--untrained", "-q", "--out", tmp_path / f"{name}.tflite", *way)
        done = forked_toolkit("quantize", "--model", cases / "foreign" / f"{name}.keras", *options)
        assert (done.returncode, done.stderr) == (0, "")


def test_split_folders_by_another_name_are_splits(forked_toolkit, cases):
    done = forked_toolkit("data", "inspect", cases / "foreign" / "split_folders_misread", "--no-near")
    assert done.returncode == 0, done.stderr
    assert re.search(r"class +train +test", done.stdout)
    assert "happy" in done.stdout
