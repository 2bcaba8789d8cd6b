"""A model on an accelerator: a delegate built here takes the part that the Edge TPU compiler makes of a model."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert.schema_py_generated")
if shutil.which("gcc") is None:
    pytest.skip("no gcc to build a delegate with", allow_module_level=True)

from graphs import LABELS, Graph

from device.capture.sources.demo import LABELS as EXPRESSIONS
from device.errors import EdgeError, UsageError
from device.model.expression_model import load_model

DEVICE = Path(sys.executable).with_name("device")
SOURCE = Path(__file__).parents[3] / "delegate.c"


@pytest.fixture
def compiled(tmp_path) -> Path:
    """A file as the Edge TPU compiler leaves it: one operator, which only the delegate knows."""
    graph = Graph((1, 8, 8, 1), "int8", 1 / 255, -128)
    scores = graph.add(
        "CUSTOM:edgetpu-custom-op", [graph.image], (1, 7), dtype="int8", scales=[1 / 16], zero_points=[0]
    )
    path = tmp_path / "face_int8_edgetpu.tflite"
    path.write_bytes(graph.file(scores))
    return path


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Put a library in the place of libedgetpu: the delegate built with ``flags``, or ``content``."""

    def put(*flags: str, content: bytes | None = None) -> None:
        place = tmp_path / "lib" / "libedgetpu.so.1"
        place.parent.mkdir()
        if content is None:
            subprocess.run(["gcc", "-shared", "-fPIC", *flags, "-o", place, SOURCE], check=True)
        else:
            place.write_bytes(content)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(place.parent))  # the model's process inherits it

    return put


def crops() -> np.ndarray:
    return np.arange(64, dtype=np.uint8).reshape(1, 8, 8) * 4


def test_the_delegate_computes_what_the_processor_cannot(compiled, library):
    library()
    model = load_model(compiled, LABELS, delegate="edgetpu")
    assert model.confined_because == "the Edge TPU's delegate runs it"
    stored = model.infer(model.prepare(crops()[0]))
    assert stored.tolist() == [pixel - 128 for pixel in range(0, 28, 4)]


def test_a_compiled_file_without_a_delegate_is_explained(compiled):
    with pytest.raises(EdgeError, match=r"is compiled for the Edge TPU.*pass `delegate` edgetpu"):
        load_model(compiled, LABELS)


def test_an_unknown_delegate_is_wrong_use():
    with pytest.raises(UsageError, match="expected one of edgetpu"):
        load_model(delegate="abacus")


@pytest.mark.parametrize(
    ("flags", "content", "said"),
    [
        ((), b"no library", "libedgetpu.so.1 cannot be loaded"),
        (("-Dtflite_plugin_create_delegate=other",), None, "libedgetpu.so.1 is no delegate of LiteRT"),
        (("-DNO_DEVICE",), None, "no device; plug in the Edge TPU"),
        (("-DDIES_AT=1",), None, "it died of SIGSEGV"),
    ],
)
def test_a_delegate_that_cannot_run_is_one_line(compiled, library, flags, content, said):
    library(*flags, content=content)
    with pytest.raises(EdgeError) as raised:
        load_model(compiled, LABELS, delegate="edgetpu")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_delegate_that_dies_is_opened_again(compiled, library, caplog):
    library("-DDIES_AT=3")  # the first inference of a process is the trial at its start
    model = load_model(compiled, LABELS, delegate="edgetpu")
    with caplog.at_level(logging.WARNING):
        scores = [model.predict(crops()) for _ in range(4)]
    assert all(np.array_equal(scores[0], later) for later in scores)
    assert [record.message.count("SIGSEGV") for record in caplog.records] == [1, 1, 1]


def test_a_delegate_that_keeps_dying_ends_a_compiled_model(compiled, library):
    library("-DDIES_AT=2")
    model = load_model(compiled, LABELS, delegate="edgetpu")
    for _ in range(2):
        with pytest.raises(EdgeError, match="it died of SIGSEGV"):
            model.predict(crops())


def test_a_model_that_the_processor_can_run_goes_on_without_the_delegate(library, tmp_path, caplog):
    library()
    model = load_model(delegate="edgetpu")
    face = np.full((1, *model.input_size_hw), 90, np.uint8)
    expected = load_model().predict(face)
    np.testing.assert_allclose(model.predict(face), expected, atol=0.02)
    shutil.rmtree(tmp_path / "lib")
    model._interpreter._interpreter._child.kill()
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(model.predict(face), expected)
    assert "the processor goes on alone" in caplog.records[-1].message


@pytest.mark.parametrize(
    "command", [("info",), ("benchmark", "--runs", "2", "--model"), ("run", "--source", "demo:3", "--model")]
)
def test_the_commands_take_a_delegate(compiled, library, command):
    library()
    extra = ["--labels", ",".join(LABELS)] if command[0] == "run" else []
    done = subprocess.run(
        [DEVICE, *command, compiled, *extra, "--delegate", "edgetpu"],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    bare = subprocess.run([DEVICE, *command, compiled, *extra], capture_output=True, text=True)
    assert bare.returncode == 1
    assert bare.stderr.count("\n") == 1
    assert "--delegate edgetpu" in bare.stderr


@pytest.mark.toolkit
def test_faces_are_evaluated_on_a_delegate(compiled, library, tmp_path):
    """Accuracy of a compiled file, which the processor cannot run at all."""
    pytest.importorskip("rich", reason="evaluating needs the [report] extra")
    library()
    results = tmp_path / "results.json"
    command = [DEVICE.with_name("toolkit"), "evaluate", "--model", compiled, "--data", "synthetic", "-q"]
    command += ["--labels", ",".join(EXPRESSIONS), "--out", results]
    bare = subprocess.run(command, capture_output=True, text=True)
    assert (bare.returncode, bare.stderr.count("\n")) == (1, 1)
    assert "pass --delegate edgetpu" in bare.stderr
    done = subprocess.run([*command, "--delegate", "edgetpu"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (evaluation,) = json.loads(results.read_text())["models"][0]["evaluations"]
    assert "run by the delegate edgetpu" in evaluation["note"]
    assert len(evaluation["report"]["confusion"]) == 7


def test_a_run_goes_on_when_the_delegate_dies(compiled, library):
    """It is opened again after each death: one line, no frame is lost."""
    library("-DDIES_AT=3")
    options = (
        "--source",
        "demo:12",
        "--every-frame",
        "--labels",
        ",".join(LABELS),
        "--delegate",
        "edgetpu",
        "--json",
    )
    done = subprocess.run([DEVICE, "run", *options, "--model", compiled], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 12
    lines = done.stderr.splitlines()
    assert len(lines) >= 2
    for line in lines:
        assert line == (
            f"warning: the Edge TPU's delegate cannot run {compiled}: it died of SIGSEGV; opening it again"
        )


def test_a_missing_library_is_named_by_doctor():
    done = subprocess.run([DEVICE, "doctor", "--delegate", "edgetpu"], capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if "model" in line)
    assert line.startswith("fail")
    assert "libedgetpu.so.1 is not installed → install libedgetpu1-std" in line
