"""An unchecked graph runs in a process of its own, and whatever happens there ends in one line here."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

from graphs import IMAGE, LABELS, Graph

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel, load_model
from device.model.interpreters import confinement
from device.model.interpreters.confinement import ConfinedInterpreter
from device.model.interpreters.litert import LocalInterpreter

DEVICE = Path(sys.executable).with_name("device")


def gathered(places) -> bytes:
    """A graph outside of the list that is good as long as its places are."""
    graph = Graph()
    axis = graph.options("Gather", axis=1)
    return graph.classifier(graph.add("GATHER", [graph.image, graph.ints(places)], IMAGE, axis))


def filled(size: int) -> bytes:
    graph = Graph()
    return graph.classifier(
        graph.add("FILL", [graph.ints([1, size, size, 4]), graph.floats(())], (1, 8, 8, 4))
    )


def endless() -> bytes:
    """WHILE true: the image goes round."""
    graph = Graph((1, 8, 8, 3))
    sides = []
    for _ in range(2):
        body = graph._subgraph()
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.name = list(IMAGE), 0, 0, "x"
        body.tensors, body.inputs, body.outputs = [tensor], [0], [0]
        sides.append(body)
    condition, _body = sides
    graph.model.buffers.append(graph._buffer(np.array([1], np.uint8)))
    yes = schema.TensorT()
    yes.shape, yes.type, yes.name = [1], schema.TensorType.BOOL, "yes"
    yes.buffer = len(graph.model.buffers) - 1
    condition.tensors.append(yes)
    condition.outputs = [1]
    graph.model.subgraphs += sides
    options = graph.options("While", condSubgraphIndex=1, bodySubgraphIndex=2)
    return graph.classifier(graph.add("WHILE", [graph.image], IMAGE, options))


def crashing() -> bytes:
    graph = Graph()
    outs = [graph.tensor((1, 4, 8, 3)) for _ in range(2)]
    graph.operator("SPLIT", [graph.ints(1), graph.image], outs, graph.options("Split", numSplits=0))
    return graph.classifier(outs[0])


def test_a_good_graph_outside_of_the_list_answers():
    places = list(range(8))
    model = ExpressionModel(gathered(places), Path("a.tflite"), LABELS)
    assert model.confined_because == "operator 0, GATHER: tensors of float32, int32 to float32"
    twin = Graph()
    expected = ExpressionModel(
        twin.classifier(twin.add("RELU", [twin.image], IMAGE)), Path("b.tflite"), LABELS
    )
    crops = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    assert model.predict(crops) == pytest.approx(expected.predict(crops))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (crashing, "died of SIG"),
        (lambda: gathered([0, 1, 2, 3, 4, 5, 6, 99]), "it failed: .*gather index out of bounds"),
        (lambda: filled(20_000), "it failed|died of"),
        (endless, "no answer within|processor time"),
    ],
    ids=["crash", "failure", "memory", "endless"],
)
def test_whatever_happens_there_is_one_line_here(data, said):
    with pytest.raises(EdgeError, match=f"^a.tflite is no graph that can be checked .*{said}") as raised:
        ExpressionModel(data(), Path("a.tflite"), LABELS)
    assert str(raised.value).isprintable()


def test_a_crash_at_a_later_picture_ends_the_run_in_one_line():
    model = ExpressionModel(gathered(list(range(8))), Path("a.tflite"), LABELS)
    assert isinstance(model._interpreter, ConfinedInterpreter)
    os.kill(model._interpreter._child.pid, signal.SIGSEGV)
    for _ in range(2):  # who goes on asking is told the same
        with pytest.raises(EdgeError, match="died of SIGSEGV"):
            model.predict(np.zeros((1, 8, 8), np.uint8))


def test_who_asks_a_model_again_that_gave_no_answer_is_told_the_same(monkeypatch):
    monkeypatch.setattr(confinement, "INFERENCE_S", 0.3)
    model = ExpressionModel(gathered(list(range(8))), Path("a.tflite"), LABELS)
    os.kill(model._interpreter._child.pid, signal.SIGSTOP)
    for _ in range(2):
        with pytest.raises(EdgeError, match=r"gave no answer within 0\.3 s"):
            model.predict(np.zeros((1, 8, 8), np.uint8))


def test_the_child_ends_with_the_model():
    model = ExpressionModel(gathered(list(range(8))), Path("a.tflite"), LABELS)
    assert isinstance(model._interpreter, ConfinedInterpreter)
    child = model._interpreter._child
    assert child.poll() is None
    del model
    assert child.wait(10) == 0


def test_what_the_child_puts_out_is_held_against_the_file():
    graph = Graph()
    wrong = graph.add("BROADCAST_TO", [graph.image, graph.ints([5, 8, 8, 3])], IMAGE, version=2)
    with pytest.raises(EdgeError, match="declared is"):
        ExpressionModel(graph.classifier(wrong), Path("a.tflite"), LABELS)


def test_sigterm_ends_the_command_while_a_model_is_tried(tmp_path):
    (tmp_path / "endless.tflite").write_bytes(endless())
    command = [DEVICE, "info", tmp_path / "endless.tflite"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None and not children.read_text():
        time.sleep(0.01)
    process.terminate()
    assert process.wait(60) == -signal.SIGTERM


def test_a_checked_model_starts_no_process(tiny_model):
    assert isinstance(load_model(tiny_model)._interpreter, LocalInterpreter)


def test_info_says_why_a_model_runs_apart(tmp_path):
    path = tmp_path / "gather.tflite"
    path.write_bytes(gathered(list(range(8))))
    done = subprocess.run([DEVICE, "info", path], capture_output=True, text=True, check=True)
    assert "runs apart" in done.stdout
    assert "GATHER" in done.stdout
    assert done.stderr == ""


COMMANDS = {
    "info": ["info", "MODEL"],
    "install": ["install", "MODEL"],
    "run": ["run", "--source", "demo:5", "--model", "MODEL"],
    "evaluate": ["evaluate", "--data", "synthetic", "--model", "MODEL"],
}


def ended(command, environment):
    """Return exit status, standard error and the most memory in MB, of the command and its children."""
    # A process begins as a copy of the one that starts it, which here may be large: a small one stands between.
    between = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", between, *map(str, command)], capture_output=True, text=True, env=environment
    )
    code, most_mb = done.stdout.split()
    return int(code), done.stderr, float(most_mb)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_hostile_file_ends_in_one_line(shared_dir, tmp_path, name):
    """All of them with ``info``, one crash with each other command: they load a model by the same code."""
    files = sorted(
        (shared_dir / "cases" / "hostile").glob("crash_*.tflite" if name != "info" else "*.tflite")
    )
    files = files if name == "info" else files[:1]
    if not files:
        pytest.skip("no hostile files in the shared folder")
    program = Path(sys.executable).with_name("toolkit") if name == "evaluate" else DEVICE
    environment = {**os.environ, "FER_EDGE_HOME": str(tmp_path)}
    for path in files:
        command = [program, *(str(path) if word == "MODEL" else word for word in COMMANDS[name])]
        code, said, most_mb = ended(command, environment)
        assert code in (0, 1, 2), (path.name, said)
        assert len(said.splitlines()) <= 1, (path.name, said)
        assert "error: unexpected" not in said, (path.name, said)
        assert most_mb < 700, (path.name, most_mb)
