"""The toolkit's Python API, and the notebook that shows it: str or Path, no printing, no backend changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import toolkit
from device.errors import EdgeError, UsageError

pytestmark = pytest.mark.toolkit

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def test_everything_that_is_named_is_there_and_told():
    for name in toolkit.__all__:
        assert callable(getattr(toolkit, name)), name
        assert ">>> " in getattr(toolkit, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = toolkit.nothing


def test_importing_it_costs_nothing_and_leaves_matplotlib_alone():
    code = (
        "import sys, toolkit\n"
        "assert not {'numpy', 'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)\n"
        "import matplotlib; matplotlib.use('svg')\n"
        "from toolkit import train, quantize, evaluate, report, compare\n"
        "import toolkit.charts.training_pictures\n"
        "assert matplotlib.get_backend() == 'svg'\n"
        "assert all(map(callable, (train, quantize, evaluate, report, compare)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch": 5}, "no training option 'epoch'; did you mean 'epochs'"),
        ({"epochs": "5"}, "epochs must be of type int, not '5'"),
        ({"more_data": "nowhere:0.2"}, "no data at nowhere"),
        ({"teachers": "nowhere.keras"}, "nowhere.keras"),
        ({"classes": "happy"}, "`classes` needs at least two"),
    ],
)
def test_options_that_no_training_has_are_told(stripes, tmp_path, options, message):
    with pytest.raises(EdgeError, match=message):
        toolkit.train(stripes, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_one_name_is_not_its_letters(stripes, tmp_path):
    with pytest.raises(EdgeError, match=r"there is no file .*ev\.json"):
        toolkit.report(str(tmp_path / "ev.json"))
    with pytest.raises(EdgeError, match="'nosuch'"):
        toolkit.compare(stripes, "nosuch", tmp_path / "out")


def test_one_text_names_several_classes(stripes, tmp_path):
    with pytest.raises(EdgeError, match="no class 'nobody'"):
        toolkit.compare(stripes, "small", tmp_path / "out", classes="happy,nobody")
    for call in (
        lambda **named: toolkit.compare(stripes, "small", tmp_path / "out", **named),
        lambda **named: toolkit.evaluate("any.keras", stripes, **named),
    ):
        with pytest.raises(EdgeError, match="at least two classes; received 'happy'"):
            call(classes="happy")


def test_labels_are_named_as_on_the_command_line(stripes, tiny_tflite, tmp_path):
    (tmp_path / "labels.txt").write_text("one\ntwo\nthree\n")
    for labels in ("one,two,three", ["one", "two", "three"], tmp_path / "labels.txt"):
        with pytest.raises(EdgeError, match="3 labels"):
            toolkit.evaluate(tiny_tflite, stripes, labels=labels)
    with pytest.raises(UsageError, match="would replace"):
        toolkit.evaluate(
            tiny_tflite, stripes, tmp_path / "labels.txt", labels=tmp_path / "labels.txt", overwrite=True
        )


def test_results_never_replace_what_they_are_about(stripes, tiny_tflite, tmp_path):
    model = tmp_path / "best.tflite"
    model.write_bytes(tiny_tflite.read_bytes())
    with pytest.raises(UsageError, match="would replace"):
        toolkit.evaluate(model, stripes, model, overwrite=True)
    assert model.read_bytes() == tiny_tflite.read_bytes()
    with pytest.raises(EdgeError, match="exists already"):  # before the data, which is not there, is read
        toolkit.evaluate(tiny_tflite, tmp_path / "none", model)


def test_from_faces_to_a_page(stripes, tmp_path, capsys, caplog):
    caplog.set_level("INFO", "toolkit")
    trained = toolkit.train(
        str(stripes),
        tmp_path / "run",
        arch="fully-connected",
        epochs=2,
        dtype_policy="float32",
        overwrite=True,
    )
    assert trained.model == tmp_path / "run" / "best.keras"
    assert [record["epoch"] for record in trained.history] == [1, 2]
    assert trained.interval[0] <= trained.accuracy <= trained.interval[1]
    assert f"{100 * trained.accuracy:.1f} % on {trained.n} validation faces" in trained._repr_html_()
    int8 = toolkit.quantize(trained.model, tmp_path / "int8.tflite", data=stripes, untrained=True)
    assert int8.path.stat().st_size == len(int8.content)
    results = toolkit.evaluate([trained.model, str(int8.path)], stripes, tmp_path / "evaluation.json")
    assert [len(entry.evaluations) for entry in results.models] == [1, 1]
    assert results.models[1].comparisons[0].paired.n == 20
    turned = toolkit.evaluate(trained.model, stripes, classes="sad,happy").models[0].evaluations[0]
    assert turned.report.n == 20
    page = toolkit.report([tmp_path / "evaluation.json"], tmp_path / "report.html")
    assert len(page.results.models) == 2
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert capsys.readouterr().out == ""
    for told in ("80 faces", "quantizing by int8", "evaluating "):
        assert any(told in message for message in caplog.messages), told


@pytest.fixture
def untrained(tmp_path):
    import keras

    from toolkit.models.keras_file import save_model

    keras.utils.set_random_seed(1)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, 2, name="conv"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, "softmax", name="head"),
        ]
    )
    save_model(network, tmp_path / "net.keras", {"labels": ["happy", "sad"]})
    return tmp_path / "net.keras"


def test_every_option_of_quantize_counts(untrained, stripes, tmp_path):
    written = tmp_path / "quantized.json"
    result = toolkit.quantize(
        untrained, data=stripes, results=str(written), edgetpu=True, representative=20, untrained=True
    )
    document = json.loads(written.read_text())
    assert document["path"] == str(result.path)
    assert document["edgetpu"]["operators"]
    mixed = toolkit.quantize(
        untrained,
        tmp_path / "mixed.tflite",
        data=stripes,
        keep_float="conv",
        labels=["sad", "happy"],
        representative=20,
        untrained=True,
    )
    assert mixed.recipe.kept_float == ("conv",)
    assert mixed.metadata.labels == ("sad", "happy")


def test_of_all_recipes_the_one_to_take_is_returned(untrained, stripes, tmp_path, monkeypatch):
    litert = tmp_path / "litert"
    litert.write_text("#!/bin/sh\necho out of order; exit 3\n")
    litert.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    written = tmp_path / "all.json"
    result = toolkit.quantize(
        untrained, data=stripes, recipe="all", results=written, representative=20, untrained=True
    )
    document = json.loads(written.read_text())
    assert result.recipe.name == document["recommended"]
    assert result.path == tmp_path / f"net_{result.recipe.name}.tflite"
    assert {row["recipe"] for row in document["rows"]} >= {"float32", "float16", "int8", "int8-mixed"}
    assert document["impossible"]["litert static_wi8_ai8"] == "litert fails: out of order"


def test_the_notebook_runs_from_top_to_bottom(forked_toolkit, tmp_path, monkeypatch):
    """Its code cells, in order, in one process and a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    script = tmp_path / "cells.py"
    script.write_text("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
    done = forked_toolkit(script=script)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "report.html").exists()
