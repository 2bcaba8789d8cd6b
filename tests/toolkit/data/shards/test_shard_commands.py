"""Every command that takes --data takes shards, and says of them what it says of folders."""

import json

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is missing; pip install pyarrow")

from toolkit.data.readers.loading import load_dataset

from ..conftest import png
from .test_parquet import write
from .test_tar_shards import samples, write_tar

pytestmark = pytest.mark.toolkit


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def as_parquet(folders, root):
    """Write the faces of ``folders`` as parquet files, a split a file, labels by the names of the classes."""
    dataset = load_dataset(folders)
    for name in dataset.present_splits():
        part = dataset.split(name)
        labels = part.labels.tolist()
        write(root / "data" / f"{name}-00000-of-00001.parquet", map(png, part.images), labels, part.classes)
    return root


def as_tar(folders, root):
    """Write the faces of ``folders`` as tar files, a split a file, labels by name."""
    dataset = load_dataset(folders)
    for name in dataset.present_splits():
        part = dataset.split(name)
        labels = [part.classes[label] for label in part.labels]
        write_tar(root / f"{name}-000000.tar", samples(part.images, labels))
    return root


@pytest.mark.parametrize("written", [as_parquet, as_tar])
def test_evaluate_and_inspect_say_what_they_say_of_folders(
    written, tiny_tflite, face_folders, tmp_path, forked_toolkit
):
    shards = written(face_folders, tmp_path / "shards")
    evaluations, inspections = [], []
    for data in (face_folders, shards):
        done = forked_toolkit("evaluate", "--model", tiny_tflite, "--data", data, "--json")
        assert done.returncode == 0, done.stderr
        evaluations.append(json.loads(done.stdout)["models"][0]["evaluations"][0])
        done = forked_toolkit("data", "inspect", data, "--json")
        assert done.returncode == 0, done.stderr
        inspections.append(json.loads(done.stdout))
    of_folders, of_shards = evaluations
    assert of_shards["data"]["n"] == 28
    for evaluation in evaluations:
        evaluation["data"].pop("source")
    assert of_shards == of_folders
    assert inspections[1]["counts"] == inspections[0]["counts"]
    assert inspections[1]["leaks"] == inspections[0]["leaks"]
    assert inspections[1]["leaks"][0]["faces"] == 2


def test_a_model_is_trained_and_quantized_on_shards(stripes, tmp_path, forked_toolkit):
    pytest.importorskip("keras", reason="training needs the [toolkit] extra")
    shards = as_tar(stripes, tmp_path / "shards")
    reports = []
    for data in (stripes, shards):
        out = tmp_path / f"run of {data.name}"
        done = forked_toolkit(
            *("train", "--data", data, "--out", out, "--arch", "fully-connected", "--epochs", 1, "--json")
        )
        assert done.returncode == 0, done.stderr
        reports.append(json.loads(done.stdout)["validation"])
    assert reports[0]["n"] == 20
    assert reports[0] == reports[1]  # the same faces in the same order
    done = forked_toolkit(
        "quantize", "--model", out / "best.keras", "--data", shards, "--untrained", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["measured_on"]["source"] == str(shards)


def test_what_is_wrong_with_shards_is_one_line_of_every_command(
    tiny_tflite, tiny_keras, tmp_path, forked_toolkit
):
    shard = tmp_path / "train.parquet"
    write(shard, [b"no picture"] * 3, [0, 1, 5])
    for command in (
        ("evaluate", "--model", tiny_tflite, "--data", shard),
        ("data", "inspect", shard),
        ("train", "--data", shard, "--out", tmp_path / "run"),
        ("quantize", "--model", tiny_keras, "--data", shard, "--out", tmp_path / "m.tflite"),
        ("compare", "--data", shard, "--arch", "small", "--out", tmp_path / "page"),
    ):
        done = forked_toolkit(*command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert done.stderr.splitlines()[-1].startswith(
            f"error: {shard}, row 3: expected a label from 0 to 2 (anger, happiness, sad); received 5"
        )
        assert "Traceback" not in done.stderr
