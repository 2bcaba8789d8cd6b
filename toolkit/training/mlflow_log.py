"""Recipe, epochs and model of a training, for MLflow: any store or server that its client takes by URI."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import refuse_unwritable, write_whole
from device.text import without_password
from toolkit.results.history import EpochRecord
from toolkit.training.tensorboard import scalars

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing goes anywhere but to the store
# By default MLflow waits five minutes for a server that is gone, and 16 for one that does not answer, in every epoch.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

EXPERIMENT = "fer-edge"
SQLITE = "sqlite:///"
RUN_FILE = "mlflow_run"  # in the training's folder: the run that --resume goes on with
logger = logging.getLogger(__name__)


class MlflowLog:
    """The run of one training in MLflow's store at ``uri``; its experiment is $MLFLOW_EXPERIMENT_NAME, else fer-edge.

    EdgeError where the store cannot be used. One that fails later costs a warning and what was to be logged: no
    training ends for that.
    """

    def __init__(self, uri: str):
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        self.run = ""
        if uri.startswith(SQLITE):  # MLflow tries again for minutes to open one that it cannot
            refuse_unwritable(uri.removeprefix(SQLITE), overwrite=True)
        try:
            self.client = MlflowClient(uri)
            found = self.client.get_experiment_by_name(name)
            self.experiment = found.experiment_id if found else self.client.create_experiment(name)
        except Exception as error:  # each kind of store has errors of its own
            told = f"MLflow cannot use {without_password(uri)}: {error}"
            raise EdgeError(f"{told}; pass another `mlflow`, or leave it out") from error

    @contextlib.contextmanager
    def running(self, folder: Path, parameters: dict[str, Any], resume: bool) -> Iterator[None]:
        """Begin a run with ``parameters``, or with ``resume`` go on with that of ``folder``; its end has a status."""
        status = "FAILED"
        with self.at_most_a_warning():
            self.begin(folder, parameters, resume)
        try:
            yield
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            with self.at_most_a_warning():
                self.client.set_terminated(self.run, status)

    def begin(self, folder: Path, parameters: dict[str, Any], resume: bool) -> None:
        kept = folder / RUN_FILE
        if resume and kept.exists():
            self.run = kept.read_text()
            self.client.update_run(self.run, status="RUNNING")
            return
        self.run = self.client.create_run(self.experiment, run_name=folder.name).info.run_id
        write_whole(kept, self.run, overwrite=True)
        told = [Param(name, str(value)) for name, value in parameters.items()]
        self.client.log_batch(self.run, params=told)

    def write(self, record: EpochRecord) -> None:
        """Log one epoch."""
        now_ms = round(1000 * time.time())
        told = [Metric(name, value, now_ms, record.epoch) for name, value in scalars(record).items()]
        with self.at_most_a_warning():
            self.client.log_batch(self.run, metrics=told)

    def keep(self, path: Path) -> None:
        """Store the file at ``path`` with the run."""
        with self.at_most_a_warning():
            self.client.log_artifact(self.run, str(path))

    @contextlib.contextmanager
    def at_most_a_warning(self) -> Iterator[None]:
        """Go on after what the store does not take."""
        try:
            yield
        except Exception as error:  # each kind of store has errors of its own
            logger.warning("MLflow's store did not take what it was told: %s", error)
