"""MLflow's own client finds again what a training told its store."""

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("keras", reason="training needs the [toolkit] extra")
mlflow = pytest.importorskip("mlflow", reason="tracking needs the [mlflow] extra")

from device.errors import EdgeError
from device.files import sha256_of
from toolkit.results.history import EpochRecord
from toolkit.training.request import TrainingRequest, make_request

from .conftest import RECIPE, run

pytestmark = pytest.mark.toolkit


@pytest.fixture
def store(tmp_path):
    """A store's URI, and a client of it."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    client.create_experiment("fer-edge", artifact_location=(tmp_path / "artifacts").as_uri())
    return uri, client


def test_recipe_epochs_and_model_are_found_again(stripes, store, tmp_path, forked_toolkit, caplog):
    uri, client = store
    out = tmp_path / "one"
    first = ("--arch", "fully-connected", "--epochs", "2", "--learning-rate", "0.05", "--mlflow", uri)
    done = forked_toolkit("train", "--data", stripes, "--out", out, *first)
    assert done.returncode == 0, done.stderr
    experiment = client.get_experiment_by_name("fer-edge").experiment_id
    (logged,) = client.search_runs([experiment])
    assert (logged.info.run_name, logged.info.status) == ("one", "FINISHED")
    told = logged.data.params
    assert (told["arch"], told["learning_rate"], told["batch_size"]) == ("fully-connected", "0.05", "16")
    assert told["data"] == str(stripes)

    # A training that goes on is the same run; its folder knows the store.
    with caplog.at_level(logging.WARNING):
        run(make_request(None, out, True, False, epochs=3))
    assert "MLflow" not in caplog.text
    (logged,) = client.search_runs([experiment])
    assert logged.info.status == "FINISHED"
    rows = [line.split(",") for line in (out / "history.csv").read_text().splitlines()]
    column = rows[0].index("validation_loss")
    history = client.get_metric_history(logged.info.run_id, "loss/validation")
    assert [one.step for one in history] == [1, 2, 3]
    assert [one.value for one in history] == pytest.approx([float(row[column]) for row in rows[1:]], rel=1e-4)
    kept = client.download_artifacts(logged.info.run_id, "best.keras", str(tmp_path))
    assert sha256_of(kept) == sha256_of(out / "best.keras")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("ftp://me:secret@x", "MLflow cannot use ftp://me:***@x: "),
        ("sqlite:////proc/x.db", "/proc/x.db: cannot write in /proc: "),
    ],
)
def test_a_store_that_cannot_be_used_is_told_before_the_data_is_read(tmp_path, uri, words):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EdgeError) as raised:
        run(TrainingRequest(tmp_path / "empty", tmp_path / "one", RECIPE, mlflow=uri))
    assert str(raised.value).startswith(words)
    assert "\n" not in str(raised.value)


def test_a_store_that_fails_later_ends_no_training(store, tmp_path, caplog):
    from toolkit.training.mlflow_log import MlflowLog

    uri, client = store
    log = MlflowLog(uri)
    with log.running(tmp_path, {"arch": "compact"}, resume=False):
        client.delete_run(log.run)
        log.keep(tmp_path / "nothing.keras")
    assert "MLflow's store did not take what it was told" in caplog.text


def test_a_server_that_fails_later_is_asked_three_times_an_epoch(monkeypatch, caplog):
    """MLflow's own eight times, two minutes each, cost a quarter of an hour where it does not answer."""
    from toolkit.training.mlflow_log import MlflowLog

    for name in ("FACTOR", "JITTER"):
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_BACKOFF_{name}", "0")
    asked = []

    class Failing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"experiment": {"experiment_id": "1"}}')

        def do_POST(self):
            asked.append(self.path)
            self.send_error(503)

    record = EpochRecord(1, 1.0, 1.0, 0.5, learning_rate=0.1, seconds=1.0, temperature=1.0, best=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        MlflowLog(f"http://127.0.0.1:{server.server_port}").write(record)
        server.shutdown()
    assert len(asked) == 3
    assert "MLflow's store did not take what it was told" in caplog.text
