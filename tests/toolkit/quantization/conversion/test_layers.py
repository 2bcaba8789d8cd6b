"""Operators of a .tflite under the names of the Keras layers that they were."""

from dataclasses import replace
from pathlib import Path

import pytest

from device.model.file.tflite_file import read_tflite
from toolkit.quantization.conversion.layers import layer_name, layers_of

PACKAGED = Path(__file__).parents[4] / "device" / "data" / "fer7_int8.tflite"


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("net/relu_1/Relu;net/bn_1/batchnorm/mul;net/stage1_1_1/convolution", "stage1_1"),
        ("net/stage1_2/convolution;net/relu_1/Relu", "stage1_2"),
        ("net/relu_1/Relu;net/bn_1/batchnorm/mul", "relu"),
        ("inner/bn_1/outer/pool_1/Mean", "pool"),
        ("StatefulPartitionedCall_1:0", None),
    ],
)
def test_the_layer_with_weights_names_what_was_fused_into_it(node, expected):
    assert layer_name(node, ("stage1_1", "stage1_2", "bn", "relu", "pool")) == expected


def test_every_operator_that_computes_is_a_layer_of_its_own_name():
    file = read_tflite(PACKAGED)
    moving = replace(file.operators[0], name="RESHAPE")
    layers = layers_of(replace(file, operators=(moving, *file.operators)), ("stage1_1_conv", "stage1_2_conv"))
    assert [layer.operator for layer in layers] == [operator.name for operator in file.operators]
    assert [layer.name for layer in layers[:4]] == ["stage1_1_conv", "stage1_2_conv", "conv_2d", "conv_2d#2"]
    assert len({layer.name for layer in layers}) == len(layers)
