"""The Edge TPU's documented rules, each broken once; and the compiler's log."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError
from device.model.file.tflite_file import Operator, Tensor, TfliteFile, read_tflite
from toolkit.quantization.edgetpu.compiler import compile_for_edgetpu, read_log
from toolkit.quantization.edgetpu.report import examine
from toolkit.quantization.edgetpu.rules import check_edgetpu

TINY = Path(__file__).parents[3] / "device" / "models" / "tiny_int8.tflite"


def tensor(shape, dtype="int8", constant=None, scales=(0.1,), signature=None):
    content = None if constant is None else np.array(constant, dtype).tobytes()
    return Tensor("t", tuple(shape), tuple(signature or shape), dtype, scales, (0,) * len(scales), 0, content)


class Options:
    """What an operator's options say, by field number; a stand-in for the flatbuffer's table."""

    def __init__(self, **fields):
        self.fields = {int(name[1:]): value for name, value in fields.items()}

    def scalar(self, field, code, default=0):
        return self.fields.get(field, default)


def reason(name, tensors, options=None):
    """The verdict on one operator that reads all of ``tensors`` but the last, which it writes."""
    places = tuple(range(len(tensors)))
    operator = Operator(name, places[:-1], places[-1:], options)
    file = TfliteFile(tuple(tensors), (operator,), places[:1], places[-1:], {}, 1)
    return check_edgetpu(file).operators[0].reason


IMAGE = tensor((1, 6, 6, 8))
KERNEL = tensor((4, 3, 3, 8), constant=np.zeros((4, 3, 3, 8)))
BIAS = tensor((4,), "int32", constant=np.zeros(4))
OUT = tensor((1, 6, 6, 4))
DENSE = tensor((7, 8), constant=np.zeros((7, 8)))
PLACES = tensor((4,), "int32", constant=[0, 0, 0, 0])
ONES = tensor((4,), "int32", constant=[1, 1, 1, 1])


@pytest.mark.parametrize(
    ("name", "tensors", "options", "expected"),
    [
        ("CONV_2D", (IMAGE, KERNEL, BIAS, OUT), None, "maps"),
        ("CONV_2D", (IMAGE, KERNEL, BIAS, OUT), Options(_4=2, _5=1), "dilations differ"),
        ("CONV_2D", (IMAGE, tensor((1, 3, 3, 8)), BIAS, OUT), None, "not constant"),
        ("CONV_2D", (tensor((1, 6, 6, 8), "float32"), KERNEL, BIAS, OUT), None, "float32, not of 8 bits"),
        ("CONV_2D", (tensor((1, 6, 6, 8), "int16"), KERNEL, BIAS, OUT), None, "int16, not of 8 bits"),
        ("ADD", (tensor((1, 6, 6, 8), signature=(-1, 6, 6, 8)), IMAGE, OUT), None, "size is open"),
        ("ADD", (tensor((2, 6, 6, 8)), IMAGE, OUT), None, "three innermost"),
        ("AVERAGE_POOL_2D", (IMAGE, OUT), Options(_5=1), "fused"),
        ("AVERAGE_POOL_2D", (IMAGE, OUT), None, "maps"),
        (
            "CONCATENATION",
            (IMAGE, tensor((1, 6, 6, 2), constant=np.ones((1, 6, 6, 2))), OUT),
            None,
            "constant",
        ),
        ("CONCATENATION", (IMAGE, tensor((1, 6, 6, 2), constant=np.zeros((1, 6, 6, 2))), OUT), None, "maps"),
        ("FULLY_CONNECTED", (tensor((1, 8)), DENSE, tensor((1, 7))), None, "maps"),
        (
            "FULLY_CONNECTED",
            (tensor((1, 8)), replace(DENSE, scales=(0.1,) * 7), tensor((1, 7))),
            None,
            "7 scales",
        ),
        ("FULLY_CONNECTED", (tensor((3, 8)), DENSE, tensor((3, 7))), None, "one-dimensional"),
        ("MEAN", (IMAGE, tensor((2,), "int32", constant=[1, 2]), tensor((1, 8))), None, "maps"),
        (
            "MEAN",
            (tensor((1, 6, 6, 7)), tensor((2,), "int32", constant=[1, 2]), tensor((1, 7))),
            None,
            "7 channels",
        ),
        ("MEAN", (IMAGE, tensor((1,), "int32", constant=[-4]), tensor((6, 6, 8))), None, "over the batch"),
        (
            "PAD",
            (IMAGE, tensor((4, 2), "int32", constant=[[0, 0], [1, 1], [1, 1], [0, 0]]), OUT),
            None,
            "maps",
        ),
        (
            "PAD",
            (IMAGE, tensor((4, 2), "int32", constant=[[0, 0], [1, 1], [1, 1], [0, 1]]), OUT),
            None,
            "channels",
        ),
        ("SOFTMAX", (tensor((1, 16_001)), tensor((1, 16_001))), None, "at most 16000"),
        ("SOFTMAX", (tensor((1, 7)), tensor((1, 7))), None, "maps"),
        ("PRELU", (IMAGE, tensor((6, 6, 8), constant=np.zeros((6, 6, 8))), OUT), None, "from place to place"),
        ("CUMSUM", (IMAGE, OUT), None, "no such operator"),
        ("STRIDED_SLICE", (IMAGE, PLACES, PLACES, ONES, OUT), Options(_0=1, _1=1, _4=1), "maps"),
        ("STRIDED_SLICE", (IMAGE, PLACES, PLACES, ONES, OUT), Options(_2=1), "an ellipsis or a new axis"),
        ("STRIDED_SLICE", (IMAGE, PLACES, PLACES, ONES, OUT), Options(_3=2), "an ellipsis or a new axis"),
        ("STRIDED_SLICE", (IMAGE, PLACES, PLACES, replace(ONES, constant=None), OUT), None, "strides"),
        (
            "STRIDED_SLICE",
            (IMAGE, PLACES, PLACES, tensor((4,), "int32", constant=[1, 2, 1, 1]), OUT),
            None,
            "strides are not 1",
        ),
    ],
)
def test_each_documented_limit(name, tensors, options, expected):
    assert expected in reason(name, tensors, options)


def test_all_after_the_first_unfit_operator_stays_on_the_cpu():
    tensors = (IMAGE, OUT, OUT, OUT)
    names = ("RELU", "CUMSUM", "RELU")
    operators = tuple(Operator(name, (step,), (step + 1,), None) for step, name in enumerate(names))
    check = check_edgetpu(TfliteFile(tensors, operators, (0,), (3,), {}, 1))
    assert [row.mapped for row in check.operators] == [True, False, False]
    assert "one partition" in check.operators[2].reason
    assert not check.whole


def test_a_model_of_ours_maps_whole():
    check = check_edgetpu(read_tflite(TINY))
    assert check.whole, [row for row in check.operators if not row.mapped]
    assert 0 < check.parameter_bytes < 5000


# As printed by the real compiler (google-coral/edgetpu#671, with the rows of #60); it cannot be installed here.
LOG = """Edge TPU Compiler version 16.0.384591198
Model compiled successfully in 2270 ms.
Input size: 5.21MiB
On-chip memory used for caching model parameters: 6.02MiB
On-chip memory remaining for caching model parameters: 1.02MiB
Off-chip memory used for streaming uncached model parameters: 41.75KiB
Number of Edge TPU subgraphs: 1
Total number of operations: 84

Operator                       Count      Status

ADD                            10         Mapped to Edge TPU
LOGISTIC                       1          More than one subgraph is not supported
"""


def test_the_compilers_log_is_read():
    log = read_log(LOG, "out.tflite")
    assert (log.version, log.subgraphs) == ("16.0.384591198", 1)
    assert (log.on_chip_bytes, log.streamed_bytes) == (round(6.02 * 2**20), round(41.75 * 2**10))
    assert log.operators == (
        ("ADD", 10, "Mapped to Edge TPU"),
        ("LOGISTIC", 1, "More than one subgraph is not supported"),
    )


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """A program on the PATH with the compiler's arguments and log; the real one cannot be had here."""

    def install(body):
        path = tmp_path / "bin" / "edgetpu_compiler"
        path.parent.mkdir()
        path.write_text(f"#!{sys.executable}\nimport pathlib, sys\nfolder, model = sys.argv[3:5]\n{body}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent))

    return install


def model_in(folder):
    path = folder / "face_int8.tflite"
    path.write_bytes(TINY.read_bytes())
    return path


def test_the_compiled_file_is_kept_beside_the_model(compiler, tmp_path):
    compiler(
        f"print({LOG!r})\nname = pathlib.Path(model).stem + '_edgetpu.tflite'\n"
        "(pathlib.Path(folder) / name).write_bytes(b'compiled')"
    )
    model = model_in(tmp_path)
    document, lines = examine(model, overwrite=False)
    assert (tmp_path / "face_int8_edgetpu.tflite").read_bytes() == b"compiled"
    assert document["compiler"]["subgraphs"] == 1
    assert any("LOGISTIC: More than one subgraph" in line for line in lines)
    with pytest.raises(EdgeError, match="`overwrite`"):
        compile_for_edgetpu(model)


def test_a_compiler_that_refuses_is_one_line_and_leaves_nothing(compiler, tmp_path):
    compiler("print('Internal compiler error. Aborting!'); sys.exit(1)")
    with pytest.raises(EdgeError, match=r"face_int8\.tflite: Internal compiler error"):
        compile_for_edgetpu(model_in(tmp_path))
    assert not (tmp_path / "face_int8_edgetpu.tflite").exists()


def test_without_a_compiler_it_says_that_the_step_was_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    document, lines = examine(model_in(tmp_path), overwrite=False)
    assert document["compiler"] is None
    assert "NOT been run" in lines[-1]
