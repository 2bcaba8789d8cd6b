"""Everything that decides a training, in one value that is saved beside the model."""

import dataclasses
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from device.errors import EdgeError, UsageError
from toolkit.data.loading import LABEL_SOURCES, OWN_LABELS
from toolkit.data.train_split import SplitChoice
from toolkit.training.architectures import ARCHITECTURES, get_architecture

RANDOM_WEIGHTS = "none"
# What suits an architecture that starts from published weights, where the recipe says nothing: few epochs, a low rate.
PRETRAINED_DEFAULTS = {"epochs": 30, "learning_rate": 0.02, "freeze_epochs": 5}
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class TrainingRecipe:
    """The choices of one training; every default is what ships unless a recipe file says otherwise.

    label_source is one of LABEL_SOURCES: the data's own labels or the majority of the FER+ votes.
    learning_rate is the peak for a batch of 128 and scales with the batch; weight_decay is decoupled, a share of
    the learning rate; augmentation is how far a face is changed, from 0, not at all, to 1, as far as a camera does;
    views is after how many epochs the changes come again, 0 never: then each teacher is asked about each view once,
    not every epoch; ema_epochs is the memory of the weight average; votes_weight weighs the second head that
    learns the FER+ taggers' votes; teacher_weight is the share of the distillation loss at teacher_temperature;
    validation_share is taken from the training split when the data has no validation split, or always if
    ``hold_out`` is true. weights is what the backbone starts from: published ones by name (imagenet, faces), a file of
    them, or none for random ones; for the first freeze_epochs only the heads learn, then all layers do at
    fine_tune_factor times the learning rate.
    """

    arch: str = "compact"
    label_source: str = OWN_LABELS
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup_share: float = 0.15
    weight_decay: float = 0.005
    label_smoothing: float = 0.1
    mixup_alpha: float = 0.0
    augmentation: float = 1.0
    views: int = 0
    ema_epochs: float = 1.0
    votes_weight: float = 0.5
    teacher_weight: float = 0.7
    teacher_temperature: float = 2.0
    class_balance: float = 0.0
    patience: int = 0
    validation_share: float = 0.1
    hold_out: bool = False
    weights: str = RANDOM_WEIGHTS
    freeze_epochs: int = 0
    fine_tune_factor: float = 0.1
    dtype_policy: str = "mixed_bfloat16"
    seed: int = 0

    @property
    def split_choice(self) -> SplitChoice:
        """The faces that choose the epoch."""
        return SplitChoice(self.hold_out, self.validation_share, self.seed, self.label_source)

    def __post_init__(self) -> None:
        for name, value, allowed in beyond_limits(vars(self)):
            raise EdgeError(f"{name} must be {allowed}, not {value}")
        if self.dtype_policy not in POLICIES:
            raise EdgeError(f"dtype_policy must be one of {', '.join(POLICIES)}, not {self.dtype_policy}")
        if self.label_source not in LABEL_SOURCES:
            raise EdgeError(
                f"label_source must be one of {', '.join(LABEL_SOURCES)}, not {self.label_source}"
            )
        if self.views and self.mixup_alpha:
            raise EdgeError(
                f"views {self.views} and mixup_alpha {self.mixup_alpha:g} exclude each other: a mixed face is new "
                "every time; set one of them to 0"
            )


LIMITS = (
    ("epochs", 1, 100_000),
    ("batch_size", 2, 65_536),
    ("learning_rate", 1e-8, 100.0),
    ("warmup_share", 0.0, 0.9),
    ("weight_decay", 0.0, 1.0),
    ("label_smoothing", 0.0, 0.9),
    ("mixup_alpha", 0.0, 10.0),
    ("augmentation", 0.0, 1.0),
    ("views", 0, 10_000),
    ("ema_epochs", 0.0, 1000.0),
    ("votes_weight", 0.0, 10.0),
    ("teacher_weight", 0.0, 1.0),
    ("teacher_temperature", 0.1, 100.0),
    ("class_balance", 0.0, 1.0),
    ("patience", 0, 100_000),
    ("validation_share", 0.0, 0.5),
    ("freeze_epochs", 0, 100_000),
    ("fine_tune_factor", 1e-6, 1.0),
    ("seed", 0, 2**31 - 1),
)


def beyond_limits(values: dict) -> Iterator[tuple[str, float, str]]:
    """Yield the name of each of ``values`` outside its limits, the value, and what is allowed; None is none."""
    for name, low, high in LIMITS:
        value = values.get(name)
        if value is not None and not low <= value <= high:
            yield name, value, f"from {low} to {high}"


def read_recipe(path: str | Path | None, **overrides: object) -> TrainingRecipe:
    """Return the recipe of a TOML file (the defaults where ``path`` is None) with ``overrides`` that are not None.

    Unless told otherwise, an architecture made for it starts from its published weights and PRETRAINED_DEFAULTS.
    Raises UsageError, which names the option, for a wrong value in ``overrides``, EdgeError for one in the file.
    """
    refuse_wrong_options(overrides)
    values: dict = {}
    if path is not None:
        try:
            values = tomllib.loads(Path(path).read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise EdgeError(
                f"cannot read the recipe {path}: {error}; expected a TOML file of options"
            ) from error
    values |= {name: value for name, value in overrides.items() if value is not None}
    pretrained = get_architecture(str(values.get("arch", TrainingRecipe.arch))).pretrained
    if pretrained:
        values = {"weights": pretrained} | values
    if values.get("weights", RANDOM_WEIGHTS) != RANDOM_WEIGHTS:
        values = PRETRAINED_DEFAULTS | values
    known = {field.name: field.type for field in dataclasses.fields(TrainingRecipe)}
    for name, value in values.items():
        if name not in known:
            raise EdgeError(f"no training option '{name}' (in {path}); there are: {', '.join(known)}")
        wanted = known[name]
        if wanted is float and type(value) is int:
            values[name] = float(value)
        elif type(value) is not wanted:
            raise EdgeError(f"{name} must be of type {wanted.__name__}, not {value!r} (in {path})")  # type: ignore[union-attr]
    recipe = TrainingRecipe(**values)
    if overrides.get("freeze_epochs") and recipe.freeze_epochs > recipe.epochs:
        raise UsageError(
            f"--freeze-epochs {recipe.freeze_epochs} are more than all {recipe.epochs} --epochs; lower the first or "
            "raise the second"
        )
    return recipe


def refuse_wrong_options(options: dict) -> None:
    """Raise UsageError, naming the option as it is typed, for a value that no recipe may have; None is none."""
    for name, value, allowed in beyond_limits(options):
        raise UsageError(f"--{name.replace('_', '-')} is {value}; expected {allowed}")
    for name, known in (("arch", ARCHITECTURES), ("dtype_policy", POLICIES)):
        chosen = options.get(name)
        if chosen is not None and chosen not in known:
            raise UsageError(
                f"--{name.replace('_', '-')} is '{chosen}'; there are: {', '.join(known)}; choose one of them"
            )
