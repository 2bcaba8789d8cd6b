"""What ``toolkit quantize --results`` wrote becomes the layer chart of its model."""

import json

import pytest

pytestmark = pytest.mark.toolkit


def layer(name, damage):
    return {"name": name, "operator": "CONV_2D", "snr_db": 31.4, "worst_channel_snr_db": 20.0,
            "median_channel_snr_db": 30.0, "cosine": 0.999, "damage": damage}  # fmt: skip


def test_layers_are_drawn_for_the_model_they_belong_to(evaluated, forked_toolkit, tmp_path, load_json):
    model = load_json(evaluated)["models"][1]["model"]
    answer = {
        "path": "/gone/model.tflite", "sha256": model["sha256"], "size_bytes": model["size_bytes"], "recipe": "int8",
        "labels": model["labels"], "measured_on": {"source": "synthetic faces", "n": 9, "synthetic": True},
        "layers": [layer("stem", 0.001), layer("block<2>", 0.0125)],
    }  # fmt: skip
    (tmp_path / "quantize.json").write_text(json.dumps(answer))
    done = forked_toolkit(
        "report", evaluated, tmp_path / "quantize.json", "--out", tmp_path / "r.html", "--json"
    )
    joined = json.loads(done.stdout)["models"][1]
    assert joined["quantization"]["layers"][1]["damage"] == 0.0125
    assert joined["evaluations"]
    page = (tmp_path / "r.html").read_text()
    assert "Worst: block&lt;2&gt;." in page
    assert "block&lt;2&gt;: 1.2 points, 31 dB" in page


def test_a_damaged_answer_is_one_line(forked_toolkit, tmp_path):
    (tmp_path / "quantize.json").write_text('{"recipe": "int8", "measured_on": {}, "path": "m.tflite"}')
    done = forked_toolkit("report", tmp_path / "quantize.json")
    assert done.returncode == 1
    assert "damaged answer" in done.stderr
    assert done.stderr.count("\n") == 1
