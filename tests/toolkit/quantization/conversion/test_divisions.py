"""Divisions by a number of the network's own: int8 where the kernel takes all faces, else float32 or refused."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="quantizing needs the [toolkit] extra")

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from toolkit.quantization.conversion.divisions import computed_divisions
from toolkit.quantization.conversion.recipe import recipe_named

from ..conftest import CLASSES, conversion

pytestmark = pytest.mark.toolkit


def deviation(x):
    return keras.ops.std(x, axis=(1, 2), keepdims=True)


def mean(x):
    return keras.ops.mean(x, axis=(1, 2), keepdims=True)


DIVISIONS = {
    # A channel that is 0 everywhere has a deviation of 0; int8 knows nothing between that and a 255th of the greatest.
    "instance normalisation": (lambda x: (x - mean(x)) / (deviation(x) + 1e-5), False),
    "between least and greatest": (
        lambda x: x / (keras.ops.max(x, axis=(1, 2, 3), keepdims=True) + 1e-6),
        False,
    ),
    "by one more": (lambda x: x / (1.0 + mean(x)), True),
    "by a constant": (lambda x: x / 3.0, True),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_a_division_is_int8_or_stays_in_float32(name, tmp_path, faces):
    layer, in_int8 = DIVISIONS[name]
    made = conversion(tmp_path / "m.keras", faces, layer, ridge=1e-2)
    if in_int8:
        recipe = recipe_named("int8")
    else:
        recipe = recipe_named("int8-mixed")
        with pytest.raises(
            EdgeError, match=r"DIV has no int8 form here and would stay in float32.*int8-mixed"
        ):
            made.to(recipe_named("int8"))
    quantized = ExpressionModel(made.to(recipe), tmp_path / "m.tflite", CLASSES)
    asked = np.concatenate([faces.images[300:400], np.zeros((1, 48, 48), np.uint8)])
    expected, got = made.network.predict(asked), quantized.predict(asked)
    assert (expected.argmax(axis=1) == got.argmax(axis=1)).mean() > 0.9


def test_only_divisors_that_the_network_computes_count(tmp_path, faces):
    assert not computed_divisions(
        conversion(tmp_path / "constant.keras", faces, lambda x: x / 3.0, ridge=1e-2).calibrated
    )
    made = conversion(tmp_path / "computed.keras", faces, lambda x: x / (1.0 + mean(x)), ridge=1e-2)
    assert len(computed_divisions(made.calibrated)) == 1
    assert made.verifying()  # TensorFlow's interpreter refuses a divisor that is stored as 0, which is not 0
