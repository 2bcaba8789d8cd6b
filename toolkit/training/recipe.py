"""Everything that decides a training, in one value that is saved beside the model."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.board.processor import cpu_flags
from device.errors import EdgeError, UsageError
from device.text import nearest
from toolkit.data.label_sources import LABEL_SOURCES, OWN_LABELS
from toolkit.data.train_split import SplitChoice
from toolkit.training.architectures import is_known, no_architecture, pretrained_of
from toolkit.training.augmentation import PARTS as AUGMENTATIONS

RANDOM_WEIGHTS = "none"
# What suits an architecture that starts from published weights, where the recipe says nothing: few epochs, a low rate.
PRETRAINED_DEFAULTS = {"epochs": 30, "learning_rate": 0.02, "freeze_epochs": 5}
# ... and where trained weights are given by --init: their faces are not to be unlearnt.
FINE_TUNING_DEFAULTS = {"epochs": 20, "learning_rate": 0.01}
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # flags of processors that compute in it
OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("one-cycle", "cosine", "step", "plateau", "constant")
# An epoch has this many steps or more, unless ``batch_size`` is given: few faces make small batches.
STEPS_WANTED, SMALLEST_BATCH, USUAL_BATCH = 24, 16, 128
ADAM_SHARE = 0.01  # of the learning rate of SGD


def option(
    default: Any, doc: str, low: float | None = None, high: float | None = None, known: tuple[Any, ...] = ()
) -> Any:
    """Return a recipe's field: its default or a function that gives it, what it does, the least and the greatest number
    or the values that it may have."""
    given = "default_factory" if callable(default) else "default"
    metadata = {"doc": doc, "low": low, "high": high, "known": known}
    return dataclasses.field(**{given: default}, metadata=metadata)


def usual_policy(cpuinfo: Path = Path("/proc/cpuinfo"), devices: Path = Path("/dev")) -> str:
    """Return mixed_bfloat16 where a GPU, or the processor by its own instructions, computes in it; else float32.

    Without such instructions oneDNN converts back and forth: the compact chain takes 4.4 times as long as in float32
    (an EPYC with AVX2 alone, processor time).
    """
    computes = BFLOAT16 & cpu_flags(cpuinfo) or (devices / "nvidia0").exists()
    return "mixed_bfloat16" if computes else "float32"


@dataclass(frozen=True)
class TrainingRecipe:
    """The choices of one training. docs/RECIPES.md has every field, its default and what it does, from this code.

    >>> TrainingRecipe(arch="small", epochs=20, learning_rate=0.05)
    """

    arch: str = option(
        "compact",
        "Architecture: a name that `toolkit train --list-archs` prints, `FILE.py[:build]`, or a `.keras`.",
    )
    channels: int = option(
        0,
        "Channels of the picture that enters: 1, gray, or 3, red, green and blue where most pictures of the data have "
        "colours, else the same gray three times. 0: as the network is built.",
        known=(0, 1, 3),
    )
    label_source: str = option(
        OWN_LABELS,
        "`own`: the data's labels; `ferplus`: the majority of the FER+ votes, 8 classes.",
        known=LABEL_SOURCES,
    )
    epochs: int = option(60, "Times through the training faces.", 1, 100_000)
    batch_size: int = option(
        0,
        f"Faces a step. 0: {USUAL_BATCH}, or as few as {SMALLEST_BATCH} where an epoch would have less than "
        f"{STEPS_WANTED} steps.",
        0,
        65_536,
    )
    learning_rate: float = option(
        0.1,
        "Peak learning rate for a batch of 128; it scales with the batch. With `adam` and `adamw` a hundredth of it.",
        1e-8,
        100.0,
    )
    optimizer: str = option(
        "sgd",
        "`sgd` (Nesterov momentum 0.9), `adam` or `adamw`; weight decay is decoupled.",
        known=OPTIMIZERS,
    )
    schedule: str = option(
        "one-cycle",
        "Learning rate after the warm-up: `one-cycle` and `cosine` fall to zero (`cosine` has no warm-up), `step` "
        "falls to a tenth after 1/2 and 3/4, `plateau` halves it after 4 epochs without a better, `constant` stays.",
        known=SCHEDULES,
    )
    warmup_share: float = option(
        0.15, "Share of the training in which the learning rate rises; 50 steps or more.", 0.0, 0.9
    )
    clip_norm: float = option(
        5.0, "Largest norm of all gradients together; longer ones are shortened. 0: none are.", 0.0, 1e6
    )
    weight_decay: float = option(0.005, "Decoupled, a share of the learning rate.", 0.0, 1.0)
    label_smoothing: float = option(0.1, "Share of each label that goes to all classes alike.", 0.0, 0.9)
    mixup_alpha: float = option(0.0, "Beta distribution of mixup; 0: none.", 0.0, 10.0)
    augmentation: float = option(
        1.0, "How far a face is changed, from 0, not at all, to 1, as far as a camera does.", 0.0, 1.0
    )
    augment: str = option(
        ",".join(AUGMENTATIONS), f"Which changes, comma-separated, of {', '.join(AUGMENTATIONS)}."
    )
    views: int = option(
        0,
        "The changes come again after so many epochs, and each teacher is asked about each view once. 0: always new.",
        0,
        10_000,
    )
    first_view: int = option(
        0,
        "Number of the first of the `views`: those of other numbers are new to teachers that learnt on these ones.",
        0,
        10_000,
    )
    recombined_views: int = option(
        0,
        "In so many of the `views`, the last ones, most faces are laid over another or joined to a part of one: more "
        "faces than there are, for the teachers to answer about.",
        0,
        10_000,
    )
    ema_epochs: float = option(1.0, "Memory of the weight average, in epochs.", 0.0, 1000.0)
    keep_first: float = option(
        0.0,
        "Share of the first weights, those of `init`, in the weights that are measured and saved: what they know is "
        "held (WiSE-FT, arXiv 2109.01903).",
        0.0,
        0.9,
    )
    votes_weight: float = option(
        0.5,
        "Weight of the second head, which learns the FER+ taggers' votes where the data has them.",
        0.0,
        10.0,
    )
    teacher_weight: float = option(0.7, "Share of the distillation loss, with teachers.", 0.0, 1.0)
    teacher_temperature: float = option(2.0, "Temperature of the distillation loss.", 0.1, 100.0)
    class_balance: float = option(
        0.0, "Faces are drawn by (class size) ** -class_balance: 1 shows all classes equally often.", 0.0, 1.0
    )
    class_weights: bool = option(
        False, "Weigh each face's loss by 1 / (class size), so that all classes weigh the same."
    )
    start_from_epoch: int = option(
        0,
        "The best epoch is none of so many first ones: at a high rate trained weights get worse before better.",
        0,
        100_000,
    )
    patience: int = option(0, "Stop after so many epochs without a better one; 0: never.", 0, 100_000)
    validation_share: float = option(
        0.1, "Share of the training split to hold out where the data has no validation split.", 0.0, 0.5
    )
    hold_out: bool = option(False, "Hold faces out even if the data has a validation split.")
    weights: str = option(
        RANDOM_WEIGHTS,
        "What the backbone starts from: published weights by name (`imagenet`, `faces`), a file of them, or `none`.",
    )
    freeze_epochs: int = option(0, "Only the classifier learns for so many epochs.", 0, 100_000)
    fine_tune_factor: float = option(
        0.1, "After them all layers learn, at this share of the learning rate.", 1e-6, 1.0
    )
    dtype_policy: str = option(
        usual_policy,
        f"{', '.join(POLICIES)}. By default the second where the machine computes in it, else the first.",
        known=POLICIES,
    )
    seed: int = option(0, "Seed of everything random.", 0, 2**31 - 1)

    @property
    def split_choice(self) -> SplitChoice:
        """The faces that choose the epoch."""
        return SplitChoice(self.hold_out, self.validation_share, self.seed, self.label_source)

    @property
    def peak_rate(self) -> float:
        """The peak learning rate of this batch size and optimizer."""
        share = 1.0 if self.optimizer == "sgd" else ADAM_SHARE
        return share * self.learning_rate * (self.batch_size or USUAL_BATCH) / USUAL_BATCH

    @property
    def augmentations(self) -> tuple[str, ...]:
        """The names in ``augment``."""
        return tuple(filter(None, (name.strip() for name in self.augment.split(","))))

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if wrong := why_refused(name, value):
                raise EdgeError(f"{name} {wrong}")
        if self.views and self.mixup_alpha:
            raise EdgeError(
                f"views {self.views} and mixup_alpha {self.mixup_alpha:g} exclude each other: a mixed face is new "
                "every time; set one of them to 0"
            )
        if self.first_view and not self.views:
            raise EdgeError(
                f"first_view {self.first_view} numbers no views: with views 0 every change is new; set views, or "
                "first_view to 0"
            )
        if self.start_from_epoch >= self.epochs:
            left_out = f"start_from_epoch {self.start_from_epoch} of {self.epochs} epochs"
            raise EdgeError(f"{left_out} leaves none to choose; set it lower, or more epochs")
        if self.recombined_views > self.views:
            raise EdgeError(
                f"recombined_views {self.recombined_views} are more than the views, {self.views}; set more views, or "
                "fewer recombined_views"
            )

    @property
    def first_recombined_view(self) -> int:
        """Number of the first view in which faces are recombined, of the next after all where they are in none."""
        return self.first_view + self.views - self.recombined_views

    def with_batch_size(self, faces: int) -> "TrainingRecipe":
        """Return the recipe with the batch size that it has for ``faces`` training faces."""
        if self.batch_size:
            return self
        size = min(USUAL_BATCH, max(SMALLEST_BATCH, faces // STEPS_WANTED))
        return dataclasses.replace(self, batch_size=size)


def why_refused(name: str, value: Any) -> str:
    """Return why ``value`` cannot be that of the recipe's field ``name``, or ''."""
    limits = FIELDS[name].metadata
    known, low, high = limits["known"], limits["low"], limits["high"]
    if known and value not in known:
        return f"must be one of {', '.join(map(str, known))}, not {value}"
    if low is not None and not low <= value <= high:
        return f"must be from {low} to {high}, not {value}"
    if name == "arch" and not is_known(value):
        return no_architecture(value)
    if name == "augment":
        wrong = [part for part in value.split(",") if part.strip() and part.strip() not in AUGMENTATIONS]
        if wrong:
            return f"must be some of {', '.join(AUGMENTATIONS)}, not {wrong[0].strip()}"
    return ""


FIELDS = {field.name: field for field in dataclasses.fields(TrainingRecipe)}


def make_recipe(
    values: dict[str, Any], options: dict[str, Any] | None = None, where: str = ""
) -> TrainingRecipe:
    """Return the recipe of ``values``, such as a TOML file's, with ``options`` that are not None over them.

    Unless told otherwise, an architecture made for it starts from its published weights and PRETRAINED_DEFAULTS.
    Raises UsageError for a wrong one of ``options``, EdgeError for a wrong one
    of ``values``; ``where`` says in which file.
    """
    chosen = {name: value for name, value in (options or {}).items() if value is not None}
    for name, value in chosen.items():
        if wrong := why_refused(name, value):
            raise UsageError(f"`{name}` {wrong}")
    values = {name: checked_type(name, value, where) for name, value in values.items()} | chosen
    if pretrained := pretrained_of(str(values.get("arch", TrainingRecipe.arch))):
        values = {"weights": pretrained} | values
    if values.get("weights", RANDOM_WEIGHTS) != RANDOM_WEIGHTS:
        values = PRETRAINED_DEFAULTS | values
    recipe = TrainingRecipe(**values)
    if chosen.get("freeze_epochs") and recipe.freeze_epochs > recipe.epochs:
        raise UsageError(
            f"`freeze_epochs` {recipe.freeze_epochs} are more than all {recipe.epochs} `epochs`; lower the first or "
            "raise the second"
        )
    return recipe


def checked_type(name: str, value: Any, where: str) -> Any:
    """Return ``value`` as the recipe's field ``name`` has it; EdgeError for an unknown field or another type."""
    if name not in FIELDS:
        raise EdgeError(f"{unknown(name, FIELDS)}{where}")
    wanted = FIELDS[name].type
    # TOML's are of 64 bits, Python's of any length.
    if wanted is float and type(value) is int and abs(value) < 2**64:
        return float(value)
    if type(value) is not wanted:
        raise EdgeError(f"{name} must be of type {wanted.__name__}, not {value!r}{where}")  # type: ignore[union-attr]
    return value


def unknown(name: str, known: Iterable[str]) -> str:
    """Return what to say of an option that is not there: the nearest that is, or all."""
    near = nearest(name, known)
    meant = f"did you mean '{near}'?" if near else f"there are: {', '.join(known)}"
    return f"no training option '{name}'; {meant}"
