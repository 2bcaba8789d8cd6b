"""What may stand side by side, and which model is chosen."""

from dataclasses import replace

import numpy as np
import pytest

from toolkit.results.metrics import evaluate_predictions
from toolkit.results.selection import pareto_front, select
from toolkit.results.types import DataIdentity, Evaluation, Latency, ModelIdentity, ModelResults, Results

pytestmark = pytest.mark.toolkit


def result(
    name, accuracy, p50_ms=None, data="faces", synthetic=False, size=1000, target="host", origin="measured"
):
    labels, right = np.zeros(1000, int), round(1000 * accuracy)
    report = evaluate_predictions(np.eye(2)[[0] * right + [1] * (1000 - right)], labels, ("a", "b"))
    identity = DataIdentity(data, "test", 1000, ("a", "b"), data, synthetic)
    stats = {
        "n": 9,
        "mean_ms": p50_ms,
        "p50_ms": p50_ms,
        "p90_ms": p50_ms,
        "p99_ms": p50_ms,
        "max_ms": p50_ms,
    }
    extra = {"band": 1.6, "board": target, "how": "counted"} if origin == "estimated" else {}
    latencies = () if p50_ms is None else (Latency(target, origin, {"classify": stats}, extra=extra),)
    model = ModelIdentity(name, name, "tflite", size, ("a", "b"))
    return ModelResults(model, (Evaluation(identity, report),), latencies=latencies)


def test_front_by_hand():
    points = {
        "slow best": (9, 0.9),
        "beaten": (5, 0.7),
        "middle": (4, 0.8),
        "fast": (1, 0.5),
        "same": (4, 0.8),
    }
    assert pareto_front(points) in (("fast", "middle", "slow best"), ("fast", "same", "slow best"))


def test_the_fastest_within_half_a_point_is_chosen():
    rows = (result("float", 0.700, 0.3), result("int8", 0.695, 0.1), result("tiny", 0.694, 0.01))
    selection = select(Results(rows))
    assert selection.choice.name == "int8"
    assert selection.front == ("tiny", "int8", "float")
    assert selection.notes == ()


def test_the_time_of_keras_predict_is_none_to_choose_by():
    keras, int8 = result("float", 0.700, 90.0), result("int8", 0.700, 0.1, size=250)
    keras = replace(keras, latencies=(replace(keras.latencies[0], runtime="keras predict"),))
    selection = select(Results((keras, int8)))
    assert selection.reasons[0] == "Take int8: 4.0 times smaller, 0.00 points, against float."


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pointnet.tflite", "float"),
        ("fer_uint8.tflite", "quantized"),
        ("fer_int16x8.tflite", "quantized"),
        ("fer_dynamic.tflite", "quantized"),
        ("fer_float16.tflite", "float"),
        ("model_full_integer_quant.tflite", "quantized"),
        ("m_integer_quant.tflite", "quantized"),
        ("net_int4.tflite", "quantized"),
        ("INT8.tflite", "quantized"),
    ],
)
def test_a_file_without_a_recipe_is_called_by_its_name(name, kind):
    assert select(Results((result(name, 0.7),))).rows[0].kind == kind


def test_without_latency_the_smallest_is_chosen():
    rows = (result("float", 0.7, size=4000), result("int8", 0.7, size=1000))
    assert select(Results(rows)).choice.name == "int8"


def test_other_faces_are_not_compared_and_said_so():
    rows = (result("one", 0.7, 0.3), result("two", 0.7, 0.2), result("lone", 0.99, 0.1, data="easy faces"))
    selection = select(Results(rows))
    assert [row.accuracy for row in selection.rows] == [0.7, 0.7, None]
    assert selection.choice.name == "two"
    assert any("lone" in note and "other faces" in note for note in selection.notes)


def test_labels_in_another_order_are_not_compared_and_said_so():
    rows = [result("one", 0.7, 0.3), result("two", 0.7, 0.2)]
    other = result("turned", 0.9, 0.1, data="turned")
    evaluation = other.evaluations[0]
    turned = DataIdentity("faces", "test", 1000, ("b", "a"), "turned", False)
    rows.append(
        ModelResults(other.model, (Evaluation(turned, evaluation.report),), latencies=other.latencies)
    )
    selection = select(Results(tuple(rows)))
    assert selection.rows[2].accuracy is None
    assert any("turned" in note and "another order" in note for note in selection.notes)


def test_real_faces_come_before_synthetic_ones():
    rows = (
        result("a", 0.9, 0.3, data="synthetic", synthetic=True),
        result("b", 0.9, 0.3, data="synthetic", synthetic=True),
        result("c", 0.6, 0.3, data="real"),
    )
    assert select(Results(rows)).data.source == "real"
    assert any("synthetic" in note for note in select(Results(rows[:2])).notes)


def test_a_measured_board_comes_before_host_and_estimate():
    rows = (
        result("a", 0.7, 5.0, target="pi5", origin="estimated"),
        result("b", 0.7, 0.1),
        result("c", 0.7, 4.0, target="Raspberry Pi 4"),
    )
    assert select(Results(rows)).machine.target == "Raspberry Pi 4"
    assert select(Results(rows[:2])).machine.target == "host"
    assert select(Results(rows[:1])).machine.origin == "estimated"
