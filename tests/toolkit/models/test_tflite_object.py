"""Changing the constants of a .tflite."""

from pathlib import Path

import numpy as np

from device.model.file.tflite_file import read_tflite
from toolkit.models.tflite_object import constant, operator_name, packed, set_constant, unpacked

PACKAGED = Path(__file__).parents[3] / "device" / "data" / "fer7_int8.tflite"


def biases():
    file = read_tflite(PACKAGED)
    layers = [operator for operator in file.operators if operator.name == "CONV_2D"]
    return [operator.inputs[2] for operator in layers[:2]]


def graph():
    content = PACKAGED.read_bytes()
    return unpacked(content)


def test_a_constant_is_read_and_written():
    model, (first, _) = graph(), biases()
    values = constant(model, first, np.int32)
    np.testing.assert_array_equal(values, read_tflite(PACKAGED).tensors[first].values())
    set_constant(model, first, values + 1)
    np.testing.assert_array_equal(read_tflite(packed(model)).tensors[first].values(), values + 1)


def test_operators_have_the_names_that_the_device_reads():
    model = graph()
    named = [operator_name(model, operator) for operator in model.subgraphs[0].operators]
    assert named == [operator.name for operator in read_tflite(PACKAGED).operators]
    assert len(set(named)) > 3


def test_a_tensor_that_shared_its_bytes_keeps_them():
    model, (first, second) = graph(), biases()
    tensors = model.subgraphs[0].tensors
    tensors[second].shape, tensors[second].buffer = tensors[first].shape, tensors[first].buffer
    values = constant(model, first, np.int32)
    set_constant(model, first, values + 1)
    np.testing.assert_array_equal(constant(model, first, np.int32), values + 1)
    np.testing.assert_array_equal(constant(model, second, np.int32), values)
