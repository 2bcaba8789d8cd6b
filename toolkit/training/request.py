"""What a training is asked for: its recipe, its files, its folder."""

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from device.errors import EdgeError, UsageError
from device.files import lasting_path, sha256_of
from toolkit.data.class_names import checked_classes
from toolkit.data.readers.loading import found_from_anywhere, refuse_no_data
from toolkit.models.keras_file import read_keras_metadata
from toolkit.models.opening.file_kind import kind_of
from toolkit.outputs import refuse_folder, refuse_input
from toolkit.training.architectures import ARCHITECTURES, short_name
from toolkit.training.architectures.own_files import KERAS_SUFFIXES, refuse_absent, same_architecture
from toolkit.training.checkpoint import CHECKPOINT_FILE, read_state
from toolkit.training.joining import FurtherData
from toolkit.training.recipe import (
    FIELDS,
    FINE_TUNING_DEFAULTS,
    RANDOM_WEIGHTS,
    TrainingRecipe,
    checked_type,
    make_recipe,
    unknown,
)
from toolkit.training.recipe_file import INPUTS, checked_inputs, read_values

BEST_FILE = "best.keras"


@dataclass(frozen=True)
class TrainingRequest:
    """What to train, on what, and where; ``init`` gives the first weights, ``resume`` goes on in ``out``, ``overwrite``
    starts anew there; teachers' answers are kept in ``teacher_cache``, or OUT/teacher_cache; ``mlflow`` is the URI of a
    store that is told what each epoch gave.

    >>> TrainingRequest(Path("faces"), Path("runs/one"), TrainingRecipe(epochs=20))
    """

    data: Path
    out: Path
    recipe: TrainingRecipe
    classes: tuple[str, ...] | None = None
    teachers: tuple[Path, ...] = ()
    init: Path | None = None
    resume: bool = False
    overwrite: bool = False
    teacher_cache: Path | None = None
    more_data: tuple[FurtherData, ...] = ()
    mlflow: str | None = None

    @property
    def asks_teachers_once(self) -> bool:
        """Whether views come again and teachers' answers with them."""
        return bool(self.teachers and self.recipe.views)

    def to_state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, so that ``--resume`` needs only ``--out``."""
        return {
            "data": str(found_from_anywhere(self.data)),
            "more_data": [str(replace(one, path=found_from_anywhere(one.path))) for one in self.more_data],
            "classes": list(self.classes) if self.classes else None,
            "init": str(self.init) if self.init else None,
            "teachers": [str(lasting_path(path)) for path in self.teachers],
            "teacher_cache": str(lasting_path(self.teacher_cache)) if self.teacher_cache else None,
            "mlflow": self.mlflow,
        }


def make_request(
    recipe_file: Path | None, out: Path | None, resume: bool, overwrite: bool, **options: Any
) -> TrainingRequest:
    """Return the request of a recipe file, or of the checkpoint that is resumed, with ``options`` over it.

    ``options`` are those of INPUTS and of the recipe; None is none. UsageError, which names the option, for a wrong
    one, EdgeError for a wrong recipe file.
    """
    if resume and overwrite:
        raise UsageError(
            "`resume` goes on with the training that `overwrite` replaces; leave out one of them"
        )
    given = {name: value for name, value in options.items() if value is not None and value != ()}
    where = f" (in {recipe_file})" if recipe_file else ""
    values = read_values(recipe_file) if recipe_file else {}
    if resume:
        values = resumed_values(out, given) | values
    asked = {name: given.pop(name) for name in list(given) if name in FIELDS}
    recipe_options = {
        name: checked_type(name, str(value) if isinstance(value, Path) else value, "")
        for name, value in asked.items()
    }
    if others := given.keys() - INPUTS.keys():
        raise UsageError(unknown(min(others), (*FIELDS, *INPUTS)))
    inputs = (
        checked_inputs({name: values.pop(name) for name in list(values) if name in INPUTS}, where) | given
    )
    if inputs.get("init") and not resume:
        values = _fine_tuning(values, recipe_options, Path(inputs["init"]))
    recipe = make_recipe(values, recipe_options, where)
    if "augment" in recipe_options and not recipe.augmentation:
        raise UsageError("`augment` names changes, and `augmentation` 0 makes none; leave one of them out")
    if not inputs.get("data"):
        raise UsageError(f"no data to train on; expected `data`, or data in a recipe file{where}")
    classes = inputs.get("classes")
    return TrainingRequest(
        data=Path(inputs["data"]),
        out=out or Path("runs") / short_name(recipe.arch),
        recipe=recipe,
        classes=checked_classes(classes, fewest=2) if classes else None,
        teachers=tuple(map(Path, inputs.get("teachers", ()))),
        init=Path(inputs["init"]) if inputs.get("init") else None,
        resume=resume,
        overwrite=overwrite,
        teacher_cache=Path(inputs["teacher_cache"]) if inputs.get("teacher_cache") else None,
        more_data=tuple(map(FurtherData.parse, map(str, inputs.get("more_data", ())))),
        mlflow=inputs.get("mlflow"),
    )


def _fine_tuning(values: dict[str, Any], recipe_options: dict[str, Any], init: Path) -> dict[str, Any]:
    """Return the recipe's ``values`` over the defaults of a training that goes on from the model at ``init``."""
    values = {"weights": RANDOM_WEIGHTS, **FINE_TUNING_DEFAULTS, **values}
    if "arch" not in (values | recipe_options) and (arch := arch_of(init)):
        values["arch"] = arch
    return values


def arch_of(model: Path) -> str | None:
    """Return the architecture that the trained model at ``model`` names, if it is one of ARCHITECTURES."""
    training = (read_keras_metadata(model) or {}).get("training") or {}
    arch = (training.get("recipe") or {}).get("arch")
    return arch if arch in ARCHITECTURES else None


def resumed_values(out: Path | None, given: dict[str, Any]) -> dict[str, Any]:
    """Return recipe and inputs of the training in ``out``; more ``epochs`` than it was begun with lengthen it."""
    if out is None:
        if not given.get("arch"):
            raise UsageError("`resume` goes on in a folder; expected `out` with the folder of that training")
        out = Path("runs") / short_name(given["arch"])
    state = read_state(out)
    init = given.get("init")
    # Earlier versions kept no digest.
    if init and "init_sha256" in state and state["init_sha256"] != sha256_of(init):
        raise EdgeError(
            f"{out} did not start from the weights of {init}, and `resume` goes on with its own; leave `init` out, or "
            "train anew in another folder"
        )
    recipe = {name: value for name, value in state["recipe"].items() if name in FIELDS}
    return {**recipe, **state.get("request", {})}


def refuse_request(request: TrainingRequest) -> None:
    """Raise an error in one line for what is known to be wrong before TensorFlow is there and the data is read.

    A folder that cannot be written to, files that are not there or are no models, options that exclude each other.
    """
    refuse_out(request)
    if request.teacher_cache and not request.asks_teachers_once:
        raise UsageError(
            "`teacher_cache` keeps what teachers say of views; expected `teacher`, and views in the `recipe`, received "
            f"{len(request.teachers)} teachers and views {request.recipe.views}; add them or leave `teacher_cache` out"
        )
    refuse_absent(request.recipe.arch)
    if Path(request.recipe.arch).suffix in KERAS_SUFFIXES:
        kind_of(Path(request.recipe.arch))
    for model in (*request.teachers, *([request.init] if request.init and not request.resume else [])):
        kind_of(model)
    for data in (request.data, *(one.path for one in request.more_data)):
        refuse_no_data(data)


def unheeded(request: TrainingRequest) -> list[str]:
    """Return a line for each option, set otherwise than by default, that does nothing beside the others."""
    recipe, usual = request.recipe, TrainingRecipe()
    needs = {
        "teacher_weight": ("without teachers", not request.teachers),
        "teacher_temperature": ("without teachers", not request.teachers),
        "augment": ("with augmentation 0", not recipe.augmentation),
        "fine_tune_factor": ("without freeze_epochs", not recipe.freeze_epochs),
        "warmup_share": ("with the schedule cosine", recipe.schedule == "cosine"),
    }
    return [
        f"{name} {value} does nothing {why}"
        for name, (why, so) in needs.items()
        if so and (value := getattr(recipe, name)) != getattr(usual, name)
    ]


def refuse_out(request: TrainingRequest) -> None:
    """Raise EdgeError if ``out`` cannot be written, holds what would be lost or is read, or not what is resumed."""
    refuse_folder(request.out)
    has_checkpoint = (request.out / CHECKPOINT_FILE).exists()
    if request.resume and not has_checkpoint:
        raise EdgeError(f"nothing to resume in {request.out}: no {CHECKPOINT_FILE}; train without `resume`")
    if request.resume:
        return
    refuse_input(request.out / BEST_FILE, (request.recipe.arch, request.init, *request.teachers))
    if request.overwrite:
        return
    if has_checkpoint:
        raise EdgeError(
            f"{request.out} holds a training already; pass `resume` to go on, or `overwrite` to start anew"
        )
    if (request.out / BEST_FILE).exists():
        raise EdgeError(
            f"{request.out} holds a {BEST_FILE} already, without the {CHECKPOINT_FILE} to go on with; "
            "choose another `out`, or pass `overwrite` to replace it"
        )


def refuse_another(recipe: TrainingRecipe, state: dict[str, Any], folder: Path) -> None:
    """Raise EdgeError unless ``recipe`` is that of the checkpoint ``state``, or the same with more epochs."""
    # An option that came after the checkpoint had its default.
    trained = dataclasses.asdict(TrainingRecipe()) | state["recipe"]
    for name, value in dataclasses.asdict(recipe).items():
        done = len(state["history"])
        if name == "epochs" and value >= done:
            continue
        if name == "epochs":
            raise EdgeError(
                f"{folder} has trained {done} epochs already, more than `epochs` {value}; its {BEST_FILE} is the best "
                "of them; resume with more"
            )
        if trained[name] != value and not (name == "arch" and same_architecture(trained[name], value)):
            raise EdgeError(
                f"{folder} was trained with {name} {trained[name]}, now {value}; "
                "resume with the same options or train anew in another folder"
            )
