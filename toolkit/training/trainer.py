"""The training loop: any Keras backend, resumable after any epoch, best epoch kept by validation."""

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from device.errors import EdgeError
from toolkit.data.train_split import TrainingData
from toolkit.models.keras_file import save_model
from toolkit.results.history import EpochRecord, write_history
from toolkit.training.averaging import STEPS_BETWEEN_UPDATES, WeightAverage
from toolkit.training.batches import VOTE_COUNT, Batch, BatchMaker
from toolkit.training.checkpoint import load_checkpoint, save_checkpoint
from toolkit.training.distillation.teacher_cache import AnswerBook
from toolkit.training.distillation.teachers import Teacher, TeacherPanel, soften
from toolkit.training.freeze_schedule import phase_of, set_frozen
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.student import build_student, compile_student, export_model
from toolkit.training.temperature import fit_temperature, negative_log_likelihood

BEST_FILE = "best.keras"
PREDICTION_BATCH = 256

# epoch from 0, steps done, steps of an epoch, mean loss so far
Progress = Callable[[int, int, int, float], None]


class Trainer:
    """One training in one folder; ``run`` goes on from the last finished epoch; ``answers``: an AnswerBook's folder;
    ``init_sha256`` is the digest of the file that the student's weights came from, for best.keras to say;
    ``teacher_sha256s`` are those of the teachers' files, by which ``resume`` knows them."""

    def __init__(
        self,
        data: TrainingData,
        recipe: TrainingRecipe,
        folder: Path,
        teachers: list[Teacher],
        answers: Path | None = None,
        init_sha256: str | None = None,
        teacher_sha256s: tuple[str, ...] = (),
    ):
        self.data = data
        self.recipe = recipe
        self.folder = folder
        self.classes = data.train.classes
        self.panel = TeacherPanel(teachers, AnswerBook(len(data.train), len(self.classes), answers))
        self.batches = BatchMaker(data.train, recipe)
        self.has_votes = self.batches.vote_shares is not None
        keras.utils.set_random_seed(recipe.seed)
        self.student = build_student(recipe, len(self.classes), VOTE_COUNT if self.has_votes else 0)
        self.init_sha256 = init_sha256
        self.teacher_sha256s = sorted(teacher_sha256s)
        steps = self.batches.batches_per_epoch
        self.average = WeightAverage(self.student.get_weights(), recipe.ema_epochs * steps)
        self.history: list[EpochRecord] = []
        self.frozen = False

    def run(self, progress: Progress, epoch_done: Callable[[EpochRecord], None]) -> list[EpochRecord]:
        """Train the epochs that are left and return the whole history; best.keras is the best of them."""
        for epoch in range(len(self.history), self.recipe.epochs):
            started = time.monotonic()
            loss = self.train_epoch(epoch, progress)
            record = self.validate(epoch, loss, time.monotonic() - started)
            self.history.append(record)
            if record.best:
                self.save_best(record)
            self.checkpoint()
            write_history(self.folder, self.history)
            epoch_done(record)
            if self.is_out_of_patience(epoch):
                break
        return self.history

    def train_epoch(self, epoch: int, progress: Progress) -> float:
        """Train one epoch and return its mean loss; EdgeError if the loss is no longer a number."""
        self.enter_phase(epoch)
        phase = phase_of(epoch, self.recipe)
        steps = self.batches.batches_per_epoch
        total = 0.0
        for step, batch in enumerate(self.batches.epoch(epoch)):
            self.student.optimizer.learning_rate = phase.learning_rate(epoch + step / steps)
            loss = self.train_batch(batch)
            if not math.isfinite(loss):
                raise self.diverged(epoch, f"the loss became {loss}")
            total += loss
            if step % STEPS_BETWEEN_UPDATES == 0:
                self.average.update(self.student.get_weights())
            progress(epoch, step + 1, steps, total / (step + 1))
        if not all(np.isfinite(weight).all() for weight in self.student.get_weights()):
            raise self.diverged(epoch, "the weights overflowed")
        return total / steps

    def enter_phase(self, epoch: int) -> None:
        """Freeze or unfreeze the backbone as ``epoch`` wants it; a new phase begins with a new optimizer."""
        frozen = phase_of(epoch, self.recipe).frozen
        if frozen != self.frozen:
            self.frozen = frozen
            set_frozen(self.student, frozen)
            compile_student(self.student, self.recipe)

    def is_out_of_patience(self, epoch: int) -> bool:
        """Return whether training stops after ``epoch``; epochs are counted, and it stops, in the last phase only."""
        phase = phase_of(epoch, self.recipe)
        waited = epoch - max(self.best_epoch(), phase.start)
        return 0 < self.recipe.patience <= waited and phase.stop == self.recipe.epochs

    def diverged(self, epoch: int, what: str) -> EdgeError:
        """Return the error of a training that left the numbers."""
        kept = "keeps the last good checkpoint" if self.history else "keeps nothing, no epoch was finished"
        return EdgeError(
            f"{what} in epoch {epoch + 1}; {self.folder} {kept}; "
            f"train again with a lower --learning-rate than {self.recipe.learning_rate:g}"
        )

    def train_batch(self, batch: Batch) -> float:
        """Take one optimizer step and return the loss before it."""
        targets = [batch.targets]
        if self.panel.teachers:
            shares = soften(self.panel.probabilities(batch), self.recipe.teacher_temperature)
            targets = [np.concatenate([batch.targets, shares], axis=1)]
        if batch.votes is not None:
            targets.append(batch.votes)
        logs = self.student.train_on_batch(
            batch.images, targets if len(targets) > 1 else targets[0], return_dict=True
        )
        return float(logs["loss"])

    def validate(self, epoch: int, loss: float, seconds: float) -> EpochRecord:
        """Measure the averaged weights on the validation faces.

        The best epoch is that of the lowest loss at its best temperature: on a few thousand faces accuracy jumps
        by more from epoch to epoch than it grows.
        """
        with self.averaged_weights():
            logits = self.logits(self.data.validation.images)
        labels = self.data.validation.labels
        temperature = fit_temperature(logits, labels)
        validation_loss = negative_log_likelihood(logits / temperature, labels)
        return EpochRecord(
            epoch=epoch + 1,
            loss=loss,
            validation_loss=validation_loss,
            validation_accuracy=float(np.mean(logits.argmax(axis=1) == labels)),
            learning_rate=float(keras.ops.convert_to_numpy(self.student.optimizer.learning_rate)),
            seconds=seconds,
            temperature=temperature,
            best=all(validation_loss < record.validation_loss for record in self.history),
        )

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return the logits of (N, 48, 48) uint8 faces as (N, C) float32."""
        parts = []
        for start in range(0, len(images), PREDICTION_BATCH):
            chunk = images[start : start + PREDICTION_BATCH]
            padded = np.zeros((PREDICTION_BATCH, *chunk.shape[1:], 1), np.float32)
            padded[: len(chunk), ..., 0] = chunk
            outputs = self.student.predict_on_batch(padded)
            outputs = outputs[0] if self.has_votes else outputs
            parts.append(np.asarray(outputs, np.float32)[: len(chunk)])
        return np.concatenate(parts)

    def averaged_weights(self) -> "SwappedWeights":
        """Return a context in which the student carries the averaged weights."""
        return SwappedWeights(self.student, self.average.weights)

    def save_best(self, record: EpochRecord) -> None:
        """Write best.keras from the averaged weights, the temperature folded in."""
        with self.averaged_weights():
            model = export_model(self.student, self.recipe.arch, record.temperature)
        metadata = {
            "labels": list(self.classes),
            "training": {
                "recipe": dataclasses.asdict(self.recipe) | {"weights": Path(self.recipe.weights).name},
                "epoch": record.epoch,
                "temperature": round(record.temperature, 4),
                "train_faces": len(self.data.train),
                "train_sha256": self.data.train.fingerprint(),
                "validation_faces": len(self.data.validation),
                "validation_accuracy": record.validation_accuracy,
                "init_sha256": self.init_sha256,
                "leaks_removed": self.data.leaks_removed,
                "teachers": len(self.panel.teachers),
                "keras": keras.version(),
                "backend": keras.backend.backend(),
            },
        }
        save_model(model, self.folder / BEST_FILE, metadata, overwrite=True)

    def best_epoch(self) -> int:
        """Return the index of the best epoch so far, from 0."""
        return max(record.epoch for record in self.history if record.best) - 1

    def checkpoint(self) -> None:
        """Write the state after a finished epoch."""
        self.panel.book.save()
        groups = {
            "variables": [np.asarray(keras.ops.convert_to_numpy(v)) for v in self.all_variables()],
            "average": self.average.weights,
        }
        state = {
            "recipe": dataclasses.asdict(self.recipe),
            "classes": list(self.classes),
            "train_sha256": self.data.train.fingerprint(),
            "validation_sha256": self.data.validation.fingerprint(),
            "teacher_sha256s": self.teacher_sha256s,
            "init_sha256": self.init_sha256,
            "average_updates": self.average.updates,
            "history": [dataclasses.asdict(record) for record in self.history],
        }
        save_checkpoint(self.folder, groups, state)

    def resume(self) -> None:
        """Go back to the last finished epoch; EdgeError if recipe, faces or teachers are not the checkpoint's."""
        groups, state = load_checkpoint(self.folder)
        self.refuse_another(state)
        self.enter_phase(len(state["history"]) - 1)
        for variable, value in zip(self.all_variables(), groups["variables"], strict=True):
            variable.assign(value)
        self.average.weights = groups["average"]
        self.average.updates = state["average_updates"]
        self.init_sha256 = state.get("init_sha256")  # none in a checkpoint of an earlier version
        self.history = [EpochRecord(**record) for record in state["history"]]

    def refuse_another(self, state: dict) -> None:
        """Raise EdgeError unless ``state`` is a checkpoint of this training; an earlier version stored less of it."""
        # An option that came after the checkpoint had its default.
        trained = dataclasses.asdict(TrainingRecipe()) | state["recipe"]
        for name, value in dataclasses.asdict(self.recipe).items():
            if trained[name] != value:
                raise EdgeError(
                    f"{self.folder} was trained with {name} {trained[name]}, now {value}; "
                    "resume with the same options or train anew in another folder"
                )
        for split, faces in (("train", self.data.train), ("validation", self.data.validation)):
            digest = faces.fingerprint()
            if state.get(f"{split}_sha256", digest) != digest:
                raise EdgeError(
                    f"the {split} faces are not those of the checkpoint in {self.folder}; resume with the same --data"
                )
        taught_by = state.get("teacher_sha256s", self.teacher_sha256s)
        if taught_by != self.teacher_sha256s:
            raise EdgeError(
                f"the teachers are not those of the checkpoint in {self.folder}: it had {len(taught_by)}, received "
                f"{len(self.teacher_sha256s)}; resume with the same --teacher files"
            )

    def all_variables(self) -> list:
        """Return every variable that training changes: weights, dropout seeds, optimizer momenta and step."""
        self.student.optimizer.build(self.student.trainable_variables)
        return [*self.student.variables, *self.student.optimizer.variables]


class SwappedWeights:
    """A context in which a model carries other weights; the old ones come back at its end."""

    def __init__(self, model: keras.Model, weights: list[np.ndarray]):
        self.model = model
        self.weights = weights

    def __enter__(self) -> None:
        self.kept = self.model.get_weights()
        self.model.set_weights(self.weights)

    def __exit__(self, *exc: object) -> None:
        self.model.set_weights(self.kept)
