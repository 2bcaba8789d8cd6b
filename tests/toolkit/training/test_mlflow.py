"""MLflow's own client finds again what a training told its store."""

import pytest

pytest.importorskip("keras", reason="training needs the [toolkit] extra")
mlflow = pytest.importorskip("mlflow", reason="tracking needs the [mlflow] extra")

from device.files import sha256_of

pytestmark = pytest.mark.toolkit


@pytest.fixture
def store(tmp_path):
    """A store's URI, and a client of it."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    client.create_experiment("fer-edge", artifact_location=(tmp_path / "artifacts").as_uri())
    return uri, client


def test_recipe_epochs_and_model_are_found_again(stripes, store, tmp_path, forked_toolkit):
    uri, client = store
    out = tmp_path / "one"
    first = ("--arch", "fully-connected", "--epochs", "2", "--learning-rate", "0.05", "--mlflow", uri)
    done = forked_toolkit("train", "--data", stripes, "--out", out, *first)
    assert done.returncode == 0, done.stderr
    experiment = client.get_experiment_by_name("fer-edge").experiment_id
    (run,) = client.search_runs([experiment])
    assert (run.info.run_name, run.info.status) == ("one", "FINISHED")
    told = run.data.params
    assert (told["arch"], told["learning_rate"], told["batch_size"]) == ("fully-connected", "0.05", "16")
    assert told["data"] == str(stripes)

    # A training that goes on is the same run; its folder knows the store.
    done = forked_toolkit("train", "--out", out, "--resume", "--epochs", "3")
    assert done.returncode == 0, done.stderr
    assert "MLflow" not in done.stderr
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FINISHED"
    rows = [line.split(",") for line in (out / "history.csv").read_text().splitlines()]
    column = rows[0].index("validation_loss")
    history = client.get_metric_history(run.info.run_id, "loss/validation")
    assert [one.step for one in history] == [1, 2, 3]
    assert [one.value for one in history] == pytest.approx([float(row[column]) for row in rows[1:]], rel=1e-4)
    kept = client.download_artifacts(run.info.run_id, "best.keras", str(tmp_path))
    assert sha256_of(kept) == sha256_of(out / "best.keras")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("ftp://me:secret@x", "MLflow cannot use ftp://me:***@x: "),
        ("sqlite:////proc/x.db", "/proc/x.db: cannot write in /proc: "),
    ],
)
def test_a_store_that_cannot_be_used_is_told_before_the_data_is_read(tmp_path, forked_toolkit, uri, words):
    (tmp_path / "empty").mkdir()
    done = forked_toolkit("train", "--data", tmp_path / "empty", "--out", tmp_path / "one", "--mlflow", uri)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"error: {words}")


def test_a_store_that_fails_later_ends_no_training(store, tmp_path, caplog):
    from toolkit.training.mlflow_log import MlflowLog

    uri, client = store
    log = MlflowLog(uri)
    with log.running(tmp_path, {"arch": "compact"}, resume=False):
        client.delete_run(log.run)
        log.keep(tmp_path / "nothing.keras")
    assert "MLflow's store did not take what it was told" in caplog.text
