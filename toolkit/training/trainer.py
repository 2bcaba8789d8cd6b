"""The training loop: any Keras backend, resumable after any epoch, best epoch kept by validation."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from device.errors import EdgeError
from device.frames import CROP_MARGIN
from toolkit.data.even_choice import even_rows
from toolkit.data.train_split import TrainingData
from toolkit.models.keras_file import save_model
from toolkit.results.decode import decode
from toolkit.results.history import EpochRecord, write_history
from toolkit.training.architectures.own_files import from_anywhere
from toolkit.training.averaging import STEPS_BETWEEN_UPDATES, WeightAverage, blended, carrying
from toolkit.training.batches import VOTE_COUNT, Batch, BatchMaker
from toolkit.training.checkpoint import damage_told, load_checkpoint, save_checkpoint
from toolkit.training.distillation.teacher_cache import TeacherCache
from toolkit.training.distillation.teachers import Teacher, TeacherPanel, soften
from toolkit.training.divergence import Chance, refuse_diverged
from toolkit.training.given_weights import renew_constants
from toolkit.training.learning_rate import phase_of, plateaus
from toolkit.training.pixels import pixels
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import BEST_FILE, refuse_another
from toolkit.training.student import Student
from toolkit.training.temperature import fit_temperature, negative_log_likelihood

PREDICTION_BATCH = 256
# So many training faces, as they are, say every epoch how well the network knows what it learns from.
CLEAN_FACES = 1024
STATISTICS_BATCH = 128
CHOSEN_BY = "lowest validation loss at its best temperature"

# epoch from 0, steps done, steps of an epoch, mean loss so far
Progress = Callable[[int, int, int, float], None]


@dataclasses.dataclass(frozen=True)
class Origins:
    """What a checkpoint must know again: digests of the files that a training started from, and what was asked for."""

    init_sha256: str | None = None
    teacher_sha256s: tuple[str, ...] = ()
    request: dict[str, Any] = dataclasses.field(default_factory=dict)


class Trainer:
    """One training in one folder; ``run`` goes on from the last finished epoch.

    ``cache`` is the folder of the teachers' answers.
    """

    def __init__(
        self,
        data: TrainingData,
        recipe: TrainingRecipe,
        folder: Path,
        teachers: list[Teacher],
        cache: Path | None = None,
        origins: Origins | None = None,
    ):
        self.recipe = recipe = recipe.with_batch_size(len(data.train))
        self.folder = folder
        self.origins = origins or Origins()
        self.classes = data.train.classes
        self.panel = TeacherPanel(teachers, TeacherCache(len(data.train), len(self.classes), cache))
        keras.utils.set_random_seed(recipe.seed)
        votes = VOTE_COUNT if recipe.votes_weight and data.train.votes is not None else 0
        self.student = Student(recipe, len(self.classes), votes)
        self.data = data = data if self.student.network.input_shape[-1] == 3 else data.in_gray()
        self.digests = {"train": data.train.fingerprint(), "validation": data.validation.fingerprint()}
        self.batches = BatchMaker(data.train, recipe, data.chances, data.taught)
        self.steps = self.batches.batches_per_epoch
        self.average = WeightAverage(self.student.model.get_weights(), recipe.ema_epochs * self.steps)
        self.clean = data.train.select(even_rows(len(data.train), CLEAN_FACES))
        self.chance = Chance(len(self.classes), recipe, bool(teachers), self.student.has_votes)
        self.first: list[np.ndarray] = []
        self.history: list[EpochRecord] = []
        self.frozen = False

    def run(
        self, progress: Progress | None = None, epoch_done: Callable[[EpochRecord], None] | None = None
    ) -> list[EpochRecord]:
        """Train the epochs that are left and return the whole history; best.keras is the best of them.

        EdgeError for a training that diverged: the last good checkpoint stays.
        """
        if self.recipe.keep_first and not self.history:
            self.first = self.student.model.get_weights()
        for epoch in range(len(self.history), self.recipe.epochs):
            started = time.monotonic()
            loss = self.train_epoch(epoch, progress)
            with self.averaged():
                record = self.measure(epoch, loss, started)
                refuse_diverged(record, self.history, self.chance, self.folder, self.recipe)
                self.history.append(record)
                if record.best:
                    self.save_best(record)
            self.checkpoint()
            write_history(self.folder, self.history)
            if epoch_done is not None:
                epoch_done(record)
            if self.is_out_of_patience(epoch):
                break
        return self.history

    def train_epoch(self, epoch: int, progress: Progress | None) -> float:
        """Train one epoch and return its mean loss; it ends with the first loss that is no number."""
        self.enter_phase(epoch)
        phase = phase_of(epoch, self.recipe, self.steps)
        falls = plateaus([record.best for record in self.history]) if self.recipe.schedule == "plateau" else 0
        total = 0.0
        for step, batch in enumerate(self.batches.epoch(epoch)):
            self.student.model.optimizer.learning_rate = phase.learning_rate(epoch + step / self.steps, falls)
            total += self.train_batch(batch)
            if not math.isfinite(total):
                return total
            if step % STEPS_BETWEEN_UPDATES == 0:
                self.average.update(self.student.model.get_weights())
            if progress is not None:
                progress(epoch, step + 1, self.steps, total / (step + 1))
        return total / self.steps

    def enter_phase(self, epoch: int) -> None:
        """Freeze or unfreeze the backbone as ``epoch`` wants it; a new phase begins with a new optimizer."""
        frozen = phase_of(epoch, self.recipe).frozen
        if frozen != self.frozen:
            self.frozen = frozen
            self.student.set_frozen(frozen)

    def is_out_of_patience(self, epoch: int) -> bool:
        """Return whether training stops after ``epoch``; epochs are counted, and it stops, in the last phase only."""
        phase = phase_of(epoch, self.recipe)
        waited = epoch - max(self.best_epoch(), phase.start, self.recipe.start_from_epoch)
        return 0 < self.recipe.patience <= waited and phase.stop == self.recipe.epochs

    def train_batch(self, batch: Batch) -> float:
        """Take one optimizer step and return the loss before it."""
        targets = [batch.targets]
        if self.panel.teachers:
            shares = soften(self.panel.probabilities(batch), self.recipe.teacher_temperature)
            if self.data.taught is not None:
                shares[~self.data.taught[batch.rows]] = 0
            targets = [np.concatenate([batch.targets, shares], axis=1)]
        if self.student.has_votes and batch.votes is not None:
            targets.append(batch.votes)
        logs = self.student.model.train_on_batch(
            self.student.inputs(batch.images), targets if len(targets) > 1 else targets[0], return_dict=True
        )
        return float(logs["loss"])

    def averaged(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which the student carries the averaged weights, ``keep_first`` of the first ones in them,
        its statistics estimated anew."""
        weights = self.average.weights
        if self.recipe.keep_first:
            weights = blended(self.first, weights, self.recipe.keep_first)
        return carrying(self.student.model, weights, self.statistics_batches())

    def statistics_batches(self) -> list[np.ndarray]:
        """Return inputs to estimate the normalisations' statistics from: faces as the training shows them."""
        return [self.student.inputs(images) for images in self.batches.sample(CLEAN_FACES, STATISTICS_BATCH)]

    def measure(self, epoch: int, loss: float, started: float) -> EpochRecord:
        """Measure the weights that the student carries on the validation faces and on the clean training faces.

        The best epoch, of those that the recipe lets be chosen, is that of the lowest loss at its best temperature: on
        a few thousand faces accuracy jumps by more from epoch to epoch than it grows.
        """
        labels = self.data.validation.labels
        logits = self.logits(self.data.validation.seen(colour=True))
        temperature = fit_temperature(logits, labels)
        validation_loss = negative_log_likelihood(logits / temperature, labels)
        clean = self.logits(self.clean.seen(colour=True))
        left_out = self.recipe.start_from_epoch
        rivals = self.history[left_out if epoch >= left_out else 0 :]
        return EpochRecord(
            epoch=epoch + 1,
            loss=loss,
            validation_loss=validation_loss,
            validation_accuracy=float(np.mean(logits.argmax(axis=1) == labels)),
            learning_rate=float(keras.ops.convert_to_numpy(self.student.model.optimizer.learning_rate)),
            seconds=time.monotonic() - started,
            temperature=temperature,
            best=all(validation_loss < record.validation_loss for record in rivals),
            training_loss=negative_log_likelihood(clean / temperature, self.clean.labels),
            training_accuracy=float(np.mean(clean.argmax(axis=1) == self.clean.labels)),
        )

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return the logits of (N, 48, 48) or (N, 48, 48, 3) uint8 faces as (N, C) float32."""
        parts = []
        for start in range(0, len(images), PREDICTION_BATCH):
            chunk = pixels(images[start : start + PREDICTION_BATCH])
            padded = np.zeros((PREDICTION_BATCH, *chunk.shape[1:]), np.float32)
            padded[: len(chunk)] = chunk
            outputs = self.student.model.predict_on_batch(self.student.inputs(padded))
            outputs = outputs[0] if self.student.has_votes else outputs
            parts.append(np.asarray(outputs, np.float32)[: len(chunk)])
        return np.concatenate(parts)

    def save_best(self, record: EpochRecord) -> None:
        """Write best.keras from the weights that the student carries, the temperature folded in."""
        told = dataclasses.asdict(self.recipe)
        metadata = {
            "labels": list(self.classes),
            "crop_margin": CROP_MARGIN,
            **({"colour": True} if self.data.train.colours is not None else {}),
            "training": {
                "run": self.folder.name,
                "recipe": told | {name: Path(told[name]).name for name in ("weights", "arch")},
                "epoch": record.epoch,
                "chosen_by": CHOSEN_BY,
                "temperature": round(record.temperature, 4),
                "train_faces": len(self.data.train),
                "train_sha256": self.digests["train"],
                "validation_faces": len(self.data.validation),
                "validation_accuracy": record.validation_accuracy,
                "init_sha256": self.origins.init_sha256,
                "leaks_removed": self.data.leaks_removed,
                "teachers": len(self.panel.teachers),
                "keras": keras.version(),
                "backend": keras.backend.backend(),
            },
        }
        save_model(self.student.export(record.temperature), self.folder / BEST_FILE, metadata, overwrite=True)

    def best_epoch(self) -> int:
        """Return the index of the best epoch so far, from 0."""
        return max(record.epoch for record in self.history if record.best) - 1

    def checkpoint(self) -> None:
        """Write the state after a finished epoch."""
        self.panel.cache.save()
        groups = {
            "variables": [np.asarray(keras.ops.convert_to_numpy(v)) for v in self.all_variables()],
            "average": self.average.weights,
            "first": self.first,
        }
        state = {
            "recipe": dataclasses.asdict(self.recipe) | {"arch": from_anywhere(self.recipe.arch)},
            "classes": list(self.classes),
            "train_sha256": self.digests["train"],
            "validation_sha256": self.digests["validation"],
            "teacher_sha256s": sorted(self.origins.teacher_sha256s),
            "init_sha256": self.origins.init_sha256,
            "request": self.origins.request,
            "average_updates": self.average.updates,
            "history": [dataclasses.asdict(record) for record in self.history],
        }
        save_checkpoint(self.folder, groups, state)

    def resume(self) -> None:
        """Go back to the last finished epoch; EdgeError if recipe, faces or teachers are not the checkpoint's."""
        groups, state = load_checkpoint(self.folder)
        refuse_another(self.recipe, state, self.folder)
        self.refuse_other_faces(state)
        with damage_told(self.folder):
            self.history = [decode(EpochRecord, record) for record in state["history"]]
            self.enter_phase(len(self.history) - 1)
            for variable, value in zip(self.all_variables(), groups["variables"], strict=True):
                variable.assign(value)
            renew_constants(self.student.model)
            self.average.go_on(groups["average"], state["average_updates"])
            self.first = groups.get("first", [])
        self.origins = dataclasses.replace(self.origins, init_sha256=state.get("init_sha256"))

    def refuse_other_faces(self, state: dict[str, Any]) -> None:
        """Raise EdgeError unless faces and teachers are the checkpoint's; an earlier version stored less of them."""
        for split, digest in self.digests.items():
            if state.get(f"{split}_sha256", digest) != digest:
                raise EdgeError(
                    f"the {split} faces are not those of the checkpoint in {self.folder}; resume with the same `data`"
                )
        teachers = sorted(self.origins.teacher_sha256s)
        taught_by = state.get("teacher_sha256s", teachers)
        if taught_by != teachers:
            raise EdgeError(
                f"the teachers are not those of the checkpoint in {self.folder}: it had {len(taught_by)}, received "
                f"{len(teachers)}; resume with the same `teacher` files"
            )

    def all_variables(self) -> list[Any]:
        """Return every variable that training changes: weights, dropout seeds, optimizer momenta and step."""
        model = self.student.model
        return [*model.variables, *model.optimizer.variables]
