"""``toolkit quantize`` as typed: what it prints, writes, refuses, and leaves alone."""

import json

import cv2
import numpy as np
import pytest
from result_files import CLASSES

from device.model.expression_model import load_model
from toolkit.results.reading import read_documents

pytestmark = pytest.mark.toolkit


@pytest.fixture
def tiny(tiny_keras, tmp_path):
    """A copy of the tiny untrained model in a folder of its own."""
    path = tmp_path / "best.keras"
    path.write_bytes(tiny_keras.read_bytes())
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_as_typed_it_writes_beside_the_model_and_says_what_it_measured(toolkit_command, tiny):
    done = toolkit_command("quantize", "--model", tiny, "--untrained", "--faces", 50)
    assert done.returncode == 0, done.stderr
    assert "synthetic faces" in done.stdout
    for said in (
        "top-1 agreement",
        "float ",
        "quantized ",
        "change",
        str(tiny.with_name("best_int8.tflite")),
    ):
        assert said in done.stdout
    assert "quantizing by int8" in done.stderr
    assert (
        load_model(tiny.with_name("best_int8.tflite")).metadata.representative["source"] == "synthetic faces"
    )


def test_the_size_of_a_saved_model_is_that_of_its_files(forked_toolkit, tiny, tmp_path):
    keras = pytest.importorskip("keras", reason="a SavedModel needs the [toolkit] extra")
    folder, results = tmp_path / "exported", tmp_path / "quantize.json"
    keras.saving.load_model(tiny, compile=False).export(folder, verbose=False)
    options = ("--labels", ",".join(CLASSES), "--untrained", "--representative", 50)
    done = forked_toolkit("quantize", "--model", folder, *options, "--results", results)
    assert done.returncode == 0, done.stderr
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert json.loads(results.read_text())["source_size_bytes"] == size
    assert f"KiB (from {size / 1024:.0f} KiB)" in done.stdout


def test_json_is_one_document_and_nothing_else(forked_toolkit, tiny, face_folders):
    options = ("--data", face_folders, "--untrained", "--edgetpu", "--json")
    done = forked_toolkit("quantize", "--model", tiny, *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert "error" not in done.stderr  # progress alone
    assert document["measured_on"]["synthetic"] is False
    assert document["edgetpu"]["whole"] is True
    assert [layer["name"] for layer in document["layers"]] == ["first", "second", *(
        layer["name"] for layer in document["layers"][2:]
    )]  # fmt: skip
    assert document["input"]["zero_point"] == -128


def test_all_recipes_stand_in_one_table_with_a_recommendation(forked_toolkit, tiny):
    done = forked_toolkit(
        *("quantize", "--model", tiny, "--recipe", "all", "--untrained", "--representative", 50),
        *("--results", tiny.parent / "all.json"),
    )
    assert done.returncode == 0, done.stderr
    names = ("float32", "float16", "int8", "int8-mixed", "int16x8")
    for name in names:
        assert f"\n{name}" in done.stdout
    assert "Take " in done.stdout
    assert "Not possible, dynamic: no weight became int8" in done.stdout  # they are too small for it
    assert files(tiny.parent) == sorted(
        ["all.json", "best.keras", *(f"best_{name}.tflite" for name in names)]
    )
    found = read_documents([str(tiny.parent / "all.json")]).results.models
    assert [(one.model.name, one.quantization["recipe"]) for one in found] == [
        (f"best_{name}.tflite", name) for name in names
    ]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--recipe", "int3"), 2, "no recipe 'int3'"),
        (("--seed", "-1"), 2, "-1 is not in the range x>=0"),
        (("--recipe", "all", "--edgetpu"), 2, "name one recipe"),
        (("--recipe", "float16", "--edgetpu"), 2, "full integer"),
        (("--recipe", "dynamic", "--edges", "uint8"), 2, "input and output"),
        (("--labels", "a,b", "--untrained"), 1, "7 outputs and is given 2 labels"),
        (("--data", "/nowhere", "--untrained"), 1, "/nowhere"),
        ((), 1, "does not recognise these faces"),
        (("--untrained", "--keep-float", "secod"), 2, "no layer 'secod'; did you mean second? there are: "),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(forked_toolkit, tiny, options, code, message):
    done = forked_toolkit("quantize", "--model", tiny, "--quiet", *options)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert files(tiny.parent) == ["best.keras"]


def test_a_data_set_of_one_class_is_refused(forked_toolkit, tiny, tmp_path):
    folder = tmp_path / "faces" / "train" / "happy"
    folder.mkdir(parents=True)
    for index in range(4):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((48, 48), 10 * index, np.uint8))
    done = forked_toolkit("quantize", "--model", tiny, "--data", tmp_path / "faces", "--quiet", "--untrained")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_a_disk_that_is_full_leaves_nothing(forked_toolkit, tiny):
    done = forked_toolkit(
        "quantize", "--model", tiny, "--quiet", "--untrained", "--out", "/dev/full/x.tflite"
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr


def test_a_model_without_its_option_is_understood(toolkit_command):
    done = toolkit_command("quantize", "models/best.keras")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Missing option '--model'. Did you mean --model models/best.keras?" in done.stderr


@pytest.mark.parametrize("model", [".", "/", "./"])
def test_a_model_without_a_name_is_refused(toolkit_command, model):
    done = toolkit_command("quantize", "--model", model)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert (
        "has no name to call the .tflite by; expected a file such as best.keras, or pass --out" in done.stderr
    )
