"""The guard: a model made to quantize badly is found out, mended, or refused."""

from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError
from device.model.expression_model import ExpressionModel
from toolkit.models.keras_file import load_keras_model, save_model
from toolkit.quantization.conversion.layers import LayerError
from toolkit.quantization.conversion.recipe import recipe_named
from toolkit.quantization.guard import hold_drop, ranked
from toolkit.quantization.options import QuantizeOptions
from toolkit.quantization.run import open_quantizer, run

pytestmark = pytest.mark.toolkit
FACTOR = 3000.0


@pytest.fixture(scope="module")
def bad_quantizer(trained, faces, tmp_path_factory):
    """The trained network with one channel of 'two' scaled up and taken back in 'three': equal in float.

    int8 has one scale for all of what 'two' puts out, so its other channels drown.
    """
    model = load_keras_model(trained)
    norm, after = model.get_layer("two_norm"), model.get_layer("three")
    gamma, beta, mean, variance = norm.get_weights()
    busiest = int(np.argmax(gamma))
    gamma[busiest] *= FACTOR
    beta[busiest] *= FACTOR
    norm.set_weights([gamma, beta, mean, variance])
    kernel = after.get_weights()[0]
    kernel[:, :, busiest] /= FACTOR
    after.set_weights([kernel])
    path = tmp_path_factory.mktemp("bad") / "bad.keras"
    save_model(model, path, {"labels": list(faces.classes)})
    return open_quantizer(QuantizeOptions(path, faces, representative=100))


def test_the_scaled_channel_changes_nothing_in_float(bad_quantizer, quantizer):
    assert bad_quantizer.float_probabilities == pytest.approx(quantizer.float_probabilities, abs=1e-3)


def test_plain_int8_is_ruined_and_the_guilty_layer_ranks_first(bad_quantizer):
    result = bad_quantizer.quantize(recipe_named("int8"))
    assert result.measured.drop_points > 10
    worst = ranked(result.layers)
    assert {worst[0].name, worst[1].name} == {"two", "three"}  # the tensor between them is the fault
    assert worst[0].output_error > 10 * worst[2].output_error
    two = next(layer for layer in result.layers if layer.name == "two")
    assert two.median_channel_snr_db < 3 < 30 < two.snr_db  # the loud channel hides the others in the whole


def test_the_guard_mends_it_by_making_channels_alike(bad_quantizer):
    result = bad_quantizer.quantize(recipe_named("int8"), max_drop=1.5)
    assert result.recipe.equalized
    assert result.recipe.kept_float == ()
    assert result.measured.drop_points <= 1.5
    assert result.model().metadata.equalized
    assert not [tensor for tensor in result.model().structure.tensors if tensor.dtype == "float32"]


def test_asked_for_mixed_it_keeps_the_guilty_layers_in_float_and_no_others(bad_quantizer):
    result = bad_quantizer.quantize(recipe_named("int8-mixed"), max_drop=1.5)
    assert set(result.recipe.kept_float) == {"two", "three"}
    assert result.measured.drop_points <= 1.5
    assert result.model().metadata.kept_float == result.recipe.kept_float
    assert len(result.trials) >= 2


def test_making_channels_alike_changes_nothing_in_float(bad_quantizer):
    conversion, faces = bad_quantizer.conversion, bad_quantizer.faces.measuring.images[:20]
    labels = bad_quantizer.network.labels
    before, after = (
        ExpressionModel(source.float_file, Path("m"), labels).predict(faces)
        for source in (conversion, conversion.equalized)
    )
    assert conversion.float_file != conversion.equalized.float_file
    assert after == pytest.approx(before, abs=1e-4)


def test_a_good_model_needs_no_guard(quantizer):
    result = quantizer.quantize(recipe_named("int8"), max_drop=2)
    assert result.trials == ()
    assert result.recipe.name == "int8"


def test_the_limit_holds_for_all_recipes_at_once(bad_quantizer, faces, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # without Google's litert, which would make it slow
    model = tmp_path / "bad.keras"
    model.write_bytes(bad_quantizer.network.path.read_bytes())
    document = run(QuantizeOptions(model, faces, recipe="all", representative=100, max_drop=1.5)).document
    drops = {row["recipe"]: row["drop_points"] for row in document["rows"]}
    assert drops["int8-mixed"] <= 1.5 < 10 < drops["int8"]
    assert drops[document["recommended"]] <= 1.5
    (why,) = [line for line in document["reasons"] if line.startswith("Not int8: ")]
    assert why.startswith("Not int8: it loses ")
    assert why.endswith(" points against the best, more than 1.5.")


def test_where_no_recipe_holds_the_limit_nothing_is_written(bad_quantizer, faces, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    model = tmp_path / "bad.keras"
    model.write_bytes(bad_quantizer.network.path.read_bytes())
    with pytest.raises(EdgeError, match="every recipe loses more than -5 points"):  # none wins five
        run(QuantizeOptions(model, faces, recipe="all", representative=100, max_drop=-5))
    assert list(tmp_path.iterdir()) == [model]


def error(name, damage):
    return LayerError(name, "CONV_2D", 30, 20, 30, 0.99, damage)


def test_layers_are_added_by_rank_and_the_needless_taken_out():
    errors = [error("a", 0.3), error("b", 0.9), error("c", 0.5), *(error(f"x{n}", 0.0) for n in range(5))]
    asked = []

    def drop_of(recipe):
        asked.append(recipe.kept_float)
        return 0.0 if {"a", "b"} <= set(recipe.kept_float) else 5.0

    recipe, trials = hold_drop(recipe_named("int8"), errors, drop_of, 0.5)
    assert asked == [(), ("b",), ("b", "c"), ("b", "c", "a"), ("c", "a"), ("b", "a")]
    assert recipe.kept_float == ("b", "a")
    assert [trial.drop_points for trial in trials] == [5.0, 5.0, 5.0, 0.0, 5.0, 0.0]
    assert [trial.equalized for trial in trials] == [True] + 5 * [False]


def test_where_nothing_helps_it_fails_with_the_ranking():
    errors = [error(name, damage) for name, damage in zip("abcd", (0.1, 0.4, 0.2, 0.3), strict=True)]
    with pytest.raises(EdgeError, match=r"b 40\.00, d 30\.00, c 20\.00, a 10\.00"):
        hold_drop(recipe_named("int8"), errors, lambda recipe: 7.0, 0.5)
