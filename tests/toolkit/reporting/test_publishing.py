"""A model as files ready to upload: what the hub and people read, and what is refused."""

import dataclasses
import hashlib
import json
import subprocess

import pytest

from toolkit.reporting.build import make_report
from toolkit.reporting.publishing import publish
from toolkit.results.codec import read_results, write_results

yaml = pytest.importorskip("yaml", reason="PyYAML is missing")
pytestmark = pytest.mark.toolkit
LICENCE = ("--license", "apache-2.0")


def front_matter(folder):
    empty, matter, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    assert empty == ""
    return yaml.safe_load(matter), text


def metrics_of(matter):
    (model,) = matter["model-index"]
    return [(one["dataset"], one["metrics"][0]) for one in model["results"]]


@pytest.fixture
def published(forked_toolkit, tiny_tflite, twin_tflite, evaluated, tmp_path):
    out = tmp_path / "faces7"
    done = forked_toolkit(
        *("publish", "--model", tiny_tflite, "--model", twin_tflite),
        *("--results", evaluated, *LICENCE, "--out", out),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"SHA256SUMS to {out}; nothing is uploaded, README.md says how\n")
    return out


def test_the_folder_holds_what_a_repository_needs(published, tiny_tflite):
    names = sorted(path.name for path in published.iterdir())
    assert names == ["README.md", "SHA256SUMS", "config.json", "tiny_int8.tflite", "twin_int8.tflite"]
    assert (published / "tiny_int8.tflite").read_bytes() == tiny_tflite.read_bytes()
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=published, capture_output=True, text=True)
    assert checked.stdout.count(": OK\n") == 4
    config = json.loads((published / "config.json").read_text())
    assert config["id2label"]["3"] == "happy"
    assert config["label2id"]["neutral"] == 6
    file = config["files"]["tiny_int8.tflite"]
    assert file["sha256"] == hashlib.sha256(tiny_tflite.read_bytes()).hexdigest()
    assert file["input"] | {"scale": 0} == {
        "height": 48, "width": 48, "channels": 1, "dtype": "int8", "colour": False, "scale": 0, "zero_point": -128,
        "pixel_scale": 1 / 255, "crop_margin": 1.22, "aligned": True,
    }  # fmt: skip


def test_the_card_tells_what_was_measured(published, evaluated, face_folders):
    matter, text = front_matter(published)
    assert (matter["license"], matter["library_name"]) == ("apache-2.0", "litert")
    assert matter["pipeline_tag"] == "image-classification"
    assert {"tflite", "int8", "facial-expression-recognition"} <= set(matter["tags"])
    entries = read_results(evaluated).models
    assert len(metrics_of(matter)) == 2
    for (data, metric), entry in zip(metrics_of(matter), entries, strict=True):
        report = entry.evaluations[0].report
        assert data == {"name": face_folders.name, "type": face_folders.name, "split": "test"}
        assert metric["type"] == "accuracy"
        assert metric["value"] == pytest.approx(report.accuracy, abs=1e-4)
        assert metric["args"]["n"] == report.n == 28
        assert metric["args"]["confidence_interval_95"] == pytest.approx(report.interval, abs=1e-4)
        assert f"| {100 * report.accuracy:.1f} % | " in text
    assert "2 faces of" in text  # that also stand in the training split
    assert "twin_int8.tflite against tiny_int8.tflite on the same 28 faces: 100.0 % named alike" in text
    assert str(face_folders.parent) not in text  # no path of the machine
    assert text.rstrip().splitlines()[-2:] == ["hf upload USER/faces7 . .", "```"]


def test_the_hub_s_own_library_reads_the_card(published):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is missing")
    data = hub.ModelCard.load(published / "README.md").data
    assert hub.metadata_load(published / "README.md")["license"] == "apache-2.0"
    assert data.model_name == "faces7"
    first = data.eval_results[0]
    assert (first.task_type, first.metric_type, first.dataset_split) == (
        "image-classification",
        "accuracy",
        "test",
    )
    assert first.metric_args["n"] == 28


def test_names_from_outside_stay_text(forked_toolkit, tiny_tflite, evaluated, tmp_path):
    results = read_results(evaluated)
    odd = '/home/me/a: "b" | <b>\U0001f600\n---\n- x'
    entry = results.models[0]
    evaluation = entry.evaluations[0]
    data = dataclasses.replace(evaluation.data, source=odd, synthetic=True)
    noted = dataclasses.replace(evaluation, data=data, note="[doubt](x)")
    training = {"train_faces": 300, "recipe": {"arch": "/home/me/net.py:build"}}
    models = (dataclasses.replace(entry, evaluations=(noted,), comparisons=(), training=training),)
    write_results(dataclasses.replace(results, models=models), tmp_path / "odd.json")
    done = forked_toolkit(
        *("publish", "--model", tiny_tflite, "--results", tmp_path / "odd.json", *LICENCE),
        *("--out", tmp_path / "out", "--name", "my-faces"),
    )
    assert done.returncode == 0, done.stderr
    matter, text = front_matter(tmp_path / "out")
    ((data, _),) = metrics_of(matter)
    assert data["name"] == 'a: "b" | <b>\U0001f600\\n---\\n- x (synthetic faces)'
    assert "tiny_int8.tflite is net.py:build, trained on 300 faces." in text
    assert "/home/me" not in text
    assert "<b>" not in text
    assert "[doubt]" not in text
    assert "\\[doubt\\]" in text


def test_a_keras_model_goes_beside_its_tflite(
    forked_toolkit, tiny_keras, tiny_tflite, face_folders, tmp_path
):
    keras = pytest.importorskip("keras", reason="a .keras file needs the [toolkit] extra")
    results, out = tmp_path / "results.json", tmp_path / "both"
    models = ("--model", tiny_keras, "--model", tiny_tflite)
    done = forked_toolkit("evaluate", *models, "--data", face_folders, "--out", results)
    assert done.returncode == 0, done.stderr
    done = forked_toolkit("publish", *models, "--results", results, *LICENCE, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["files"]) == {
        "README.md",
        "config.json",
        "tiny.keras",
        "tiny_int8.tflite",
    }
    matter, text = front_matter(out)
    assert matter["library_name"] == "keras"
    assert {"keras", "tflite"} <= set(matter["tags"])
    config = json.loads((out / "config.json").read_text())
    model = keras.saving.load_model(out / "tiny.keras", compile=False)
    entering = config["files"]["tiny.keras"]["input"]
    assert (entering["height"], entering["width"], entering["channels"]) == model.input_shape[1:]
    assert "`tiny.keras` takes faces of 48x48 pixels in gray, float32" in text
    first, *others = read_results(results).models
    odd = dataclasses.replace(first, model=dataclasses.replace(first.model, pixel_range="<b>[0](x)"))
    write_results(dataclasses.replace(read_results(results), models=(odd, *others)), tmp_path / "odd.json")
    publish([tiny_keras], [tmp_path / "odd.json"], tmp_path / "odd", "mit")
    assert "pixels as &lt;b>\\[0\\](x)." in front_matter(tmp_path / "odd")[1]


def test_what_cannot_be_published_is_one_line_and_nothing_is_written(
    forked_toolkit, tiny_tflite, evaluated, timed, tmp_path
):
    other = tmp_path / "my models/other.tflite"
    other.parent.mkdir()
    other.write_bytes(tiny_tflite.read_bytes() + b"\0")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "README.md").write_text("mine")
    (tmp_path / tiny_tflite.name).write_bytes(tiny_tflite.read_bytes())
    for code, message, changed in (
        (1, f"{other} is not evaluated in {evaluated}; run 'toolkit evaluate --model '{other}'", {"--model": other}),
        (1, f"{tiny_tflite} is not evaluated in {timed}", {"--results": timed}),
        (1, "no model at nowhere.tflite", {"--model": "nowhere.tflite"}),
        (1, "full is not empty; pass --overwrite", {"--out": tmp_path / "full"}),
        (2, "--model is model.onnx; expected NAME.keras or NAME.tflite", {"--model": "model.onnx"}),
        (2, "--license is 'Apache 2'; expected it as the hub spells licences", {"--license": "Apache 2"}),
        (2, "the repository would be called 'a b'", {"--name": "a b"}),
        (2, "two models are called tiny_int8.tflite", {"": tmp_path / tiny_tflite.name}),
        (2, "would replace", {"--model": tmp_path / tiny_tflite.name, "--out": tmp_path}),
    ):  # fmt: skip
        out = tmp_path / "new"
        options = {"--model": tiny_tflite, "--results": evaluated, "--license": "mit", "--out": out} | changed
        more = ("--model", options.pop("")) if "" in options else ()
        done = forked_toolkit("publish", *(part for pair in options.items() for part in pair), *more)
        assert (done.returncode, done.stdout) == (code, ""), message
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
        assert not out.exists()
    assert (tmp_path / "full" / "README.md").read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["README.md"]


def test_an_accuracy_on_some_of_the_classes_says_so(
    evaluated, load_json, counted_report, tiny_tflite, tmp_path
):
    document = load_json(evaluated)
    evaluation = document["models"][0]["evaluations"][0]
    few = ["happy", "sad"]
    evaluation["mistakes"], document["models"][0]["comparisons"] = [], []
    evaluation["data"] |= {"classes": few, "fingerprint": "few", "n": 8}
    evaluation["report"] = counted_report([[4, 0], [1, 3]], few)
    document["models"] = document["models"][:1]
    (tmp_path / "few.json").write_text(json.dumps(document))
    publish([tiny_tflite], [tmp_path / "few.json"], tmp_path / "out", "mit")
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.count(", held to happy, sad alone") >= 2
    assert (
        "The models were held to happy, sad alone." in make_report([str(tmp_path / "few.json")]).to_markdown()
    )
