"""Changing the model of an unattended device: verified, written whole, rolled back if it fails.

``STATE/models/`` holds the files by digest; ``STATE/current`` and ``STATE/previous`` are links to two of them.
A new model is on trial until a run has been healthy for some minutes; one that never gets there is taken back. A start
counts against it if the run dies: a crash, a hang that systemd ends, a model that cannot be loaded. It does not if the
run ends by itself, or because a camera or an output cannot be opened.
"""

import contextlib
import json
import logging
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.files import TEMPORARY, locked, read_short, sha256_of, whole_file, write_whole
from device.model.expression_model import ExpressionModel, load_model
from device.results import FrameResult
from device.storage import state_folder

log = logging.getLogger(__name__)

GOOD_AFTER_S = 120.0
MOST_STARTS = 3
NAME_DIGITS = 16  # of a model's SHA-256, its name in the store


@dataclass(frozen=True)
class Installed:
    """What is installed now: the model in use and the one before it."""

    current: Path
    previous: Path | None


def current_model() -> Path | None:
    """Return the installed model, or None where the packaged one is in use."""
    return _target(state_folder() / "current")


def lost_model() -> str | None:
    """Return one line about an installed model whose file is gone, the packaged one runs instead; else None."""
    link = state_folder() / "current"
    if link.is_file() or not os.path.lexists(link):
        return None
    remedy = "install it again with 'device install', or go back with 'device rollback'"
    if not link.is_symlink():
        remedy = "move away the folder that stands in its place, then install it again with 'device install'"
    return (
        f"the installed model {os.path.realpath(link)} is missing, the packaged model runs instead; {remedy}"
    )


def model_in_use() -> Path | None:
    """Return ``current_model()``; that an installed one is lost is logged."""
    if said := lost_model():
        log.warning(said)
    return current_model()


def smoke_test(model: ExpressionModel) -> float:
    """Let the model judge three pictures; return the milliseconds of the last. Raises EdgeError for nonsense."""
    pictures = np.stack([np.full((48, 48), level, np.uint8) for level in (0, 255)])
    noise = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    scores = model.predict(np.concatenate([pictures, noise]))
    if not (scores.min() >= -0.05 and scores.max() <= 1.05):  # nor NaN; a sigmoid a class need not sum to 1
        raise EdgeError(
            f"{model.path} gives no probabilities: {np.round(scores[-1], 3).tolist()}; quantize it again"
        )
    started_ns = time.perf_counter_ns()
    model.predict(noise)
    return (time.perf_counter_ns() - started_ns) / 1e6


def install_model(path: str | Path) -> Installed:
    """Verify ``path``, let it infer, store it by digest and make it current; what was current becomes previous."""
    model = load_model(path, allow_unlabelled=True)
    if not model.labels:
        counts = " or ".join(map(str, model.output_counts))
        raise EdgeError(
            f"{path} carries no labels, and an installed model names its {counts} outputs "
            "itself; append a labels.txt with one a line (or quantize its Keras model): python3 -c "
            f"\"import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'a').write('labels.txt')\" {shlex.quote(str(path))}"
        )
    smoke_test(model)
    with locked(state_folder()):
        return _install(model, Path(path))


def _install(model: ExpressionModel, path: Path) -> Installed:
    folder = state_folder()
    _refuse_no_links(folder)
    stored = folder / "models" / f"{model.sha256[:NAME_DIGITS]}.tflite"
    if not (stored.is_file() and sha256_of(stored) == model.sha256):  # a disk may have damaged it since
        with whole_file(stored) as partial:
            shutil.copyfile(path, partial)
    if load_model(stored).sha256 != model.sha256:  # what the disk gives back, not what was sent to it
        raise EdgeError(f"{stored} holds other bytes than {path}, from which it was copied; install it again")
    # Before the switch, with the trial that goes on, which counts where the switch fails or a power cut comes first.
    note = {"model": stored.name, "starts": 0, "before": _read_trial(folder)}
    write_whole(folder / "trial.json", json.dumps(note))
    before = current_model()
    if before is None:
        (folder / "previous").unlink(missing_ok=True)
    elif before.name != stored.name:
        _link(folder / "previous", before)
    _link(folder / "current", stored)
    _drop_unused(folder)
    return Installed(stored, _target(folder / "previous"))


def roll_back() -> Installed:
    """Swap the current and the previous model; where there was none, or it is damaged, that is the packaged one."""
    with locked(state_folder()):
        return _roll_back()


def _roll_back() -> Installed:
    folder = state_folder()
    _refuse_no_links(folder)
    current, previous = current_model(), _target(folder / "previous")
    if previous == current:  # an install was cut off between the two links
        previous = None
    if current is None and previous is None and lost_model() is None:
        raise EdgeError(
            "nothing was ever installed, the packaged model is in use; there is nothing to roll back"
        )
    try:
        back = load_model(previous)
    except EdgeError as error:
        log.warning("the model before cannot be used, the packaged one is taken: %s", error)
        previous, back = None, load_model(None)
    (folder / "trial.json").unlink(missing_ok=True)
    for name, target in (("current", previous), ("previous", current)):
        if target is None:
            (folder / name).unlink(missing_ok=True)
        else:
            _link(folder / name, target)
    return Installed(back.path, current)


def begin_run() -> str | None:
    """Count this start of a model on trial; roll it back, and say so, if it has failed too often."""
    with _trial() as (folder, trial):
        if trial is None:
            return None
        if trial["starts"] >= MOST_STARTS:
            back = _roll_back()
            return f"the model {trial['model']} was never healthy in {MOST_STARTS} starts; back to {back.current}"
        _count_starts(folder, trial, trial["starts"] + 1)
        return None


@contextlib.contextmanager
def spared_start(model_file: str) -> Iterator[None]:
    """Count this start of ``model_file`` as failed only if the body dies of what may be the model's fault."""
    try:
        yield
    except (EdgeError, KeyboardInterrupt):  # a camera or an output; a person who would not wait
        _spare(model_file)
        raise
    _spare(model_file)


def mark_good(model_file: str) -> None:
    """End the trial of ``model_file``, which has been healthy for ``GOOD_AFTER_S``; another model's trial goes on."""
    with _trial() as (folder, trial):
        if trial is not None and trial["model"] == model_file:
            with contextlib.suppress(OSError):
                (folder / "trial.json").unlink(missing_ok=True)


class TrialSink:
    """Ends the trial of ``model_file``, the one that runs, once results have come for ``GOOD_AFTER_S``."""

    name = "trial"

    def __init__(self, model_file: str, clock_s: Callable[[], float] = time.monotonic):
        self.model_file, self.clock_s = model_file, clock_s
        self._since_s: float | None = None
        self._done = False

    def write(self, result: FrameResult) -> None:
        if self._done:
            return
        now_s = self.clock_s()
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s >= GOOD_AFTER_S:
            mark_good(self.model_file)
            self._done = True

    def close(self) -> None:
        """Nothing is open."""


def _spare(model_file: str) -> None:
    with _trial() as (folder, trial):
        if trial is not None and trial["model"] == model_file:
            _count_starts(folder, trial, max(0, trial["starts"] - 1))


def _count_starts(folder: Path, trial: dict[str, Any], starts: int) -> None:
    with contextlib.suppress(EdgeError):  # a read-only disk must not keep the device from running
        write_whole(folder / "trial.json", json.dumps({**trial, "starts": starts}))


@contextlib.contextmanager
def _trial() -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """Yield the state folder, which others leave alone meanwhile, and the trial that goes on in it, if any."""
    folder = state_folder()
    if not (folder / "trial.json").exists():
        yield folder, None
        return
    with locked(folder):
        yield folder, _read_trial(folder)


def _read_trial(folder: Path) -> dict[str, Any] | None:
    """Return the trial of the current model, be it the one before that of the note; None where there is none."""
    current = current_model()
    with contextlib.suppress(OSError, ValueError, AttributeError, RecursionError):
        note = json.loads(read_short(folder / "trial.json"))
        for trial in (note, note.get("before") or {}):
            known = current is not None and trial.get("model") == current.name
            if known and isinstance(trial.get("starts"), int):
                return {"model": trial["model"], "starts": trial["starts"]}
    return None


def _refuse_no_links(folder: Path) -> None:
    """Raise EdgeError where a file or folder stands in place of a link: one would be lost, one cannot be replaced."""
    for link in (folder / "current", folder / "previous"):
        if link.exists() and not link.is_symlink():
            what = "a folder" if link.is_dir() else "a file"
            raise EdgeError(
                f"{link} is {what}, expected a link to a model, as 'device install' makes it; move it away, and "
                "install from there what you need of it"
            )


def _target(link: Path) -> Path | None:
    return Path(os.path.realpath(link)) if link.is_file() else None


def _link(link: Path, target: Path) -> None:
    """Point ``link`` at ``target`` in one step: a power cut leaves the old link or the new one."""
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.path.relpath(target, link.parent))
        os.replace(fresh, link)
        handle = os.open(link.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise EdgeError(f"cannot write {link}: {error.strerror}; is the disk full or read-only?") from error


def _drop_unused(folder: Path) -> None:
    """Drop the stored models that no link names, and what a killed copy left; other files are somebody's own."""
    kept = {_target(folder / name) for name in ("current", "previous")}
    for name in ("[0-9a-f]" * NAME_DIGITS, f"{TEMPORARY}*"):
        for path in (folder / "models").glob(f"{name}.tflite"):
            if Path(os.path.realpath(path)) not in kept and (path.is_symlink() or not path.is_dir()):
                path.unlink(missing_ok=True)
