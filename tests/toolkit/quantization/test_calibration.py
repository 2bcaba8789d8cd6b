"""What may end the process is done in one of its own; recurrent networks go to float16."""

import keras
import numpy as np
import pytest
from keras import layers

from device.errors import EdgeError
from toolkit.models.network import open_network
from toolkit.models.recurrence import recurrent_layers, unroll
from toolkit.quantization.calibration import calibrate, calibrate_apart
from toolkit.quantization.convert import Conversion
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.recipe import recipe_named
from toolkit.quantization.run import open_quantizer

pytestmark = pytest.mark.toolkit


def recurrent(kind):
    keras.utils.set_random_seed(0)
    image = keras.Input((48, 48, 1))
    rows = layers.Reshape((12, 192))(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Dense(7, activation="softmax")(kind(rows)))


KINDS = {
    "GRU": lambda: layers.GRU(4, name="memory"),
    "LSTM": lambda: layers.LSTM(4, name="memory"),
    "SimpleRNN": lambda: layers.SimpleRNN(4, name="memory"),
    "both ways": lambda: layers.Bidirectional(layers.GRU(4, name="memory")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_networks_name_the_layer_and_work_in_float16(tmp_path, faces, kind):
    path, model = tmp_path / "m.keras", recurrent(KINDS[kind]())
    model.save(path)
    few = faces.select(np.arange(70))
    quantizer = open_quantizer(
        QuantizeOptions(path, few, labels=faces.classes, representative=20, untrained=True)
    )
    for recipe in ("int8", "int8-mixed", "int16x8"):
        with pytest.raises(EdgeError, match=r"memory \(\w+\).* is recurrent .*pass `recipe=float16`"):
            quantizer.quantize(recipe_named(recipe))
    made = quantizer.quantize(recipe_named("float16")).model()
    direct = np.asarray(model(few.images[:5, ..., None].astype(np.float32)))
    assert made.predict(few.images[:5]) == pytest.approx(direct, abs=5e-3)
    assert "WHILE" not in {operator.name for operator in made.structure.operators}


def test_a_calibration_that_dies_is_one_line_that_names_the_layer(tmp_path, faces, monkeypatch):
    path = tmp_path / "m.keras"
    recurrent(layers.GRU(4, name="memory")).save(path)
    network = open_network(path, faces.classes)
    monkeypatch.setattr("toolkit.quantization.convert.unroll", lambda model: None)  # so the loop stays one
    monkeypatch.setattr(Conversion, "refuse_recurrent", lambda self: None)
    with pytest.raises(
        EdgeError, match=r"calibration (ends by SIG|fails).*WHILE.*`recipe=float16`"
    ) as raised:
        _ = Conversion(network, faces.images[:20]).calibrated
    assert "\n" not in str(raised.value)


def test_apart_gives_what_it_gives_here(quantizer):
    inputs = list(quantizer.conversion.calibration_inputs())[:10]
    source = quantizer.conversion.float_file
    assert calibrate_apart(source, inputs) == calibrate(source, inputs)


def test_unrolled_a_network_answers_as_before():
    model = recurrent(layers.LSTM(4, return_sequences=False))
    faces = np.random.default_rng(0).random((2, 48, 48, 1), dtype=np.float32)
    before = np.asarray(model(faces))
    unroll(model)
    assert [layer.unroll for layer in recurrent_layers(model)] == [True]
    assert np.asarray(model(faces)) == pytest.approx(before, abs=1e-6)
