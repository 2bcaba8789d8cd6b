"""The one call behind ``toolkit sweep``: Optuna proposes and prunes, the workers that share a folder train."""

import contextlib
import errno
import json
import logging
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import optuna
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from device.errors import EdgeError
from device.files import locked, regular_size, write_whole
from device.text import one_line
from toolkit.comparison.runs import RECIPE_FILE, recipe_text
from toolkit.comparison.space import Space
from toolkit.comparison.study_log import StudyLog
from toolkit.data.readers.loading import found_from_anywhere, load_dataset
from toolkit.outputs import refuse_folder
from toolkit.results.history import EpochRecord
from toolkit.training.checkpoint import CHECKPOINT_FILE
from toolkit.training.request import BEST_FILE, make_request
from toolkit.training.session import train

logger = logging.getLogger(__name__)
# Optuna's log of the study, in the sweep's folder; safe with workers on several machines that see the folder.
STUDY_FILE = "study.log"
STUDY = "sweep"
TRAINING = "training"
ASKED, FOLDER, ERROR = "asked", "folder", "error"
DISK_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


@dataclass(frozen=True)
class SweepRequest:
    """What to look for, on what, where, and with how many trials in all, those of other workers counted."""

    data: Path
    out: Path
    space: Space
    trials: int


def sweep(request: SweepRequest) -> dict[str, Any]:
    """Train trials until OUT has as many as ``request`` asks for; return what there is, the best first.

    A trial is worth the lowest validation loss of its epochs past ``start_from_epoch``, each at its best temperature;
    one that is worse than the median of the others at such an epoch is pruned. A trial whose worker was killed is taken
    up after its last epoch.
    EdgeError for unusable data, where OUT holds a sweep of other data or another space, where all trials fail, and
    where the disk refuses a write.

    >>> sweep(SweepRequest(Path("faces"), Path("runs/sweep"), read_space(Path("space.toml")), 30))["best"]
    """
    refuse_folder(request.out)
    load_dataset(request.data)  # what is unusable for all trials ends the sweep before the first
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with locked(request.out):
        study = open_study(request)
    while True:
        with next_trial(study, request) as trial:
            if trial is None:
                return trials_document(study, request.out)
            train_trial(study, trial, request)


def open_study(request: SweepRequest) -> optuna.Study:
    """Return the study of the sweep in OUT, a new one if there is none."""
    log = request.out / STUDY_FILE
    try:
        if log.exists():
            regular_size(log)
        study = optuna.create_study(
            storage=JournalStorage(StudyLog(log)), study_name=STUDY, load_if_exists=True
        )
        list(map(folder_of, study.get_trials(deepcopy=False)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        raise EdgeError(
            f"{log} is damaged ({one_line(error, 100)}); remove it and its trials, or choose another `out`"
        ) from error
    asked = {"data": str(found_from_anywhere(request.data)), **request.space.to_state()}
    if ASKED not in study.user_attrs:
        study.set_user_attr(ASKED, asked)
    elif study.user_attrs[ASKED] != json.loads(json.dumps(asked)):
        raise EdgeError(
            f"{request.out} holds a sweep of other data or another space; go on with those, or choose another `out`"
        )
    return study


@contextlib.contextmanager
def next_trial(study: optuna.Study, request: SweepRequest) -> Iterator[Trial | None]:
    """Yield a trial that no other worker has, its folder locked meanwhile, or None if there are enough."""
    with contextlib.ExitStack() as held:
        with locked(request.out):
            give_back_abandoned(study, request.out)
            trials = study.get_trials(deepcopy=False)
            waiting = any(one.state == TrialState.WAITING for one in trials)
            trial = None
            if waiting or len(set(map(folder_of, trials))) < request.trials:
                trial = study.ask(request.space.chosen)
                held.enter_context(locked(request.out / folder_of(trial), wait_s=0.0))
        yield trial


def give_back_abandoned(study: optuna.Study, out: Path) -> None:
    """Queue trials of dead workers again: the study says that they run, but no process has locked their folders."""
    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        with contextlib.suppress(EdgeError), locked(out / folder_of(one), wait_s=0.0):
            # First this one: where the disk is full, a trial that has failed alone would be lost.
            study.enqueue_trial(one.params, user_attrs={FOLDER: folder_of(one)})
            study.tell(one.number, state=TrialState.FAIL)


def folder_of(trial: FrozenTrial | Trial) -> str:
    """Return the name of the trial's folder; one that is taken up again has that of the trial that it was. ValueError
    for a name that is none of a trial."""
    name = str(trial.user_attrs.get(FOLDER, f"trial-{trial.number:03d}"))
    if not re.fullmatch(r"trial-\d+", name, re.ASCII):
        raise ValueError(f"a trial in the folder {name[:40]!r}")
    return name


def train_trial(study: optuna.Study, trial: Trial, request: SweepRequest) -> None:
    """Train one trial, from where it was left, and tell the study what it is worth."""
    name = folder_of(trial)
    folder = request.out / name
    options = {**request.space.fixed, **trial.params}
    text = recipe_text({**options, "data": str(found_from_anywhere(request.data))})
    write_whole(folder / RECIPE_FILE, text, overwrite=True)
    logger.info("%s: %s", name, spelled(trial.params))

    def epoch_done(record: EpochRecord) -> None:
        if record.epoch <= asked.recipe.start_from_epoch:
            return
        trial.report(record.validation_loss, record.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned(f"after epoch {record.epoch}")

    try:
        resume = (folder / TRAINING / CHECKPOINT_FILE).exists()
        asked = make_request(folder / RECIPE_FILE, folder / TRAINING, resume, overwrite=False)
        value = train(asked, epoch_done=epoch_done).best.validation_loss
    except optuna.TrialPruned as pruned:
        study.tell(trial, state=TrialState.PRUNED)
        logger.info("%s: pruned %s", name, pruned)
    except EdgeError as error:
        if getattr(error.__cause__, "errno", None) in DISK_REFUSALS:
            raise  # no trial of the rest would fare better; started again, the sweep goes on with this one
        trial.set_user_attr(ERROR, str(error))
        study.tell(trial, state=TrialState.FAIL)
        logger.warning("%s failed: %s", name, error)
    else:
        study.tell(trial, value)
        logger.info("%s: validation loss %.4f", name, value)
    keras.utils.clear_session()


def spelled(options: dict[str, Any]) -> str:
    """Return ``options`` in words, numbers with three digits."""
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in options.items()
    )


def trials_document(study: optuna.Study, out: Path) -> dict[str, Any]:
    """Return all trials, the best first, those without a value last, how many there are of each state, and the best."""
    last = {folder_of(one): one for one in study.get_trials(deepcopy=False)}
    rows: list[dict[str, Any]] = [
        {
            "folder": str(out / folder),
            "state": one.state.name.lower(),
            "validation_loss": one.value if one.state == TrialState.COMPLETE else None,
            "epochs": max(one.intermediate_values, default=0),
            "options": one.params,
            "error": one.user_attrs.get(ERROR),
        }
        for folder, one in last.items()
    ]
    rows.sort(key=lambda row: math.inf if row["validation_loss"] is None else row["validation_loss"])
    states = [row["state"] for row in rows]
    if set(states) == {"fail"}:
        raise EdgeError(f"all {len(rows)} trials failed, the first one: {rows[0]['error']}")
    best = rows[0] if states[0] == "complete" else None
    model = {"model": f"{best['folder']}/{TRAINING}/{BEST_FILE}"} if best else {}
    return {
        "trials": rows,
        "states": {state: states.count(state) for state in sorted(set(states))},
        "best": best and best | model,
    }
