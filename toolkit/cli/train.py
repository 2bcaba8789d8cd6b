"""``toolkit train``."""

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from device.cli.commands import Command
from device.cli.options import output_options
from toolkit.cli.former import former_spelling


def print_architectures(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """Print every architecture with a line about it, and exit."""
    if not wanted or ctx.resilient_parsing:
        return
    from device.plugins import ARCHITECTURES as PLUGINS
    from device.plugins import plugin_names
    from toolkit.training.architectures import ARCHITECTURES

    width = max(map(len, (*ARCHITECTURES, *plugin_names(PLUGINS)))) + 2
    for architecture in ARCHITECTURES.values():
        start = f"; starts from --weights {architecture.pretrained}" if architecture.pretrained else ""
        click.echo(f"{architecture.name:{width}}{architecture.summary}{start}")
    for name in plugin_names(PLUGINS):
        click.echo(f"{name:{width}}of an installed package")
    click.echo(f"{'FILE.py[:build]':{width}}a network of your own; or a .keras file")
    ctx.exit()


def one_of_them(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> str | None:
    """Return the one architecture that was given, or None; two are wrong use."""
    if len(names) > 1:
        raise click.UsageError(
            f"--arch was given {len(names)} times ({', '.join(names)}); expected one; 'toolkit compare' trains several"
        )
    return names[0] if names else None


@click.command(cls=Command)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folders by split and class, fer2013.csv, parquet or tar files; it may stand in the --recipe.",
)
@click.option(
    "--more-data",
    multiple=True,
    metavar="PATH:SHARE",
    help="A further data set, and the share of the faces of a step that come from it, such as my_faces:0.2; "
    "teachers are asked about the first data set only.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of this training.  [default: runs/ARCH]")
@click.option(
    "--arch",
    multiple=True,
    callback=one_of_them,
    help="Architecture: a name of --list-archs, FILE.py[:build], or a .keras file.  [default: that of --init, else "
    "compact]",
)
@click.option(
    "--list-archs",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_architectures,
    help="List the architectures and exit.",
)
@click.option(
    "--channels",
    type=int,
    help="Channels of the picture: 1, gray, or 3, red, green and blue where the pictures have colours.  [default: as "
    "the network is built]",
)
@click.option(
    "--label-source",
    type=click.Choice(["own", "ferplus"]),
    help="Labels of the data itself, or the majority of the FER+ votes, 8 classes.  [default: own]",
)
@click.option("--classes", help="Train on these classes only, comma-separated, in this order.")
@click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(path_type=Path),
    help="TOML file of training options; docs/RECIPES.md has them all.",
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Trained .keras to learn from; repeat for several.",
)
@click.option(
    "--teacher-cache",
    is_eager=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder where the teachers' answers are kept, and found by every training with the same teachers, faces and "
    "views.  [default: OUT/teacher_cache]",
)
@former_spelling("--answers", "teacher_cache", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--init",
    type=click.Path(path_type=Path),
    help="Trained .keras whose weights to start from: fine-tuning. A face-mobilenet's channels are pruned to those of "
    "face-compact.",
)
@click.option(
    "--weights",
    metavar="NAME|FILE|none",
    help="What the backbone starts from: published weights, downloaded once (imagenet for "
    "vgg16, resnet50v2 and efficientnetv2b0, faces for face-resnet and face-mobilenet), a file of them, or random "
    "ones.  [default: what --list-archs says]",
)
@click.option(
    "--freeze-epochs",
    type=int,
    help="Train only the classifier for so many epochs, then all layers at a tenth of the rate.  [default: 5 with "
    "published weights, else 0]",
)
@click.option(
    "--epochs",
    type=int,
    help="Times through the training faces; with --resume, more than before lengthen the training.  [default: 60; 30 "
    "with published weights, 20 with --init]",
)
@click.option(
    "--batch-size", type=int, help="Faces a step.  [default: 128, less where there are under 3,072 faces]"
)
@click.option(
    "--learning-rate",
    type=float,
    help="Peak learning rate for a batch of 128; adam and adamw take a hundredth.  [default: 0.1; 0.02 with published "
    "weights, 0.01 with --init]",
)
@click.option("--optimizer", help="sgd, adam or adamw.  [default: sgd]")
@click.option(
    "--schedule",
    help="Learning rate: one-cycle, cosine, step, plateau or constant.  [default: one-cycle]",
)
@click.option(
    "--augmentation",
    type=float,
    help="How far a training face is changed, from 0, not at all, to 1.  [default: 1]",
)
@click.option(
    "--augment",
    help="Which changes, comma-separated.  [default: geometry,camera,light,erasing]",
)
@click.option(
    "--class-weights/--no-class-weights",
    default=None,
    help="Weigh each face's loss by 1 / (class size).",
)
@click.option(
    "--patience", type=int, help="Stop after so many epochs without a better one; 0 never.  [default: 0]"
)
@click.option(
    "--hold-out/--no-hold-out",
    default=None,
    help="Take the validation faces from the training split even if the data has a validation split.",
)
@click.option(
    "--validation-share", type=float, help="Share of the training split to hold out.  [default: 0.1]"
)
@click.option(
    "--dtype-policy",
    help="Keras dtype policy: float32, mixed_bfloat16, mixed_float16.  [default: the second "
    "where the machine computes in it, else the first]",
)
@click.option("--seed", type=int, help="Seed of everything random.  [default: 0]")
@click.option(
    "--mlflow",
    metavar="URI",
    help="MLflow server or store that is told recipe, epochs and model too, such as http://tracking:5000; extra "
    "[mlflow].",
)
@click.option("--resume", is_flag=True, help="Go on with the training in --out, as it was begun.")
@output_options(
    quiet="No progress.",
    overwrite="Start anew in a folder that holds a training or a best.keras.",
)
def train(
    recipe_file: Path | None,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a model; the best epoch by validation is kept in OUT/best.keras."""
    from toolkit.cli.progress import TrainingProgress
    from toolkit.quiet_tensorflow import import_quietly
    from toolkit.training.request import make_request, refuse_request

    request = make_request(recipe_file, out, resume, overwrite, **options)
    refuse_request(request)
    with TrainingProgress(request.recipe.epochs, quiet) as progress:
        import_quietly()
        from toolkit.training.session import train

        try:
            result = train(request, progress.step, progress.epoch_done)
        except KeyboardInterrupt:
            interrupted(request.out, progress.epochs_done)
    report = result.report
    if as_json:
        told = {"model": str(result.model), "epochs": len(result.history), "epoch": result.best.epoch}
        click.echo(json.dumps(told | {"validation": asdict(report)}))
        return
    low, high = (100 * bound for bound in report.interval)
    click.echo(
        f"{result.model}: {100 * report.accuracy:.1f} % on {report.n:,} validation faces (95 % interval {low:.1f} to "
        f"{high:.1f}), {100 * result.best.training_accuracy:.1f} % on training faces; epoch {result.best.epoch} of "
        f"{len(result.history)}, by the lowest validation loss; history and pictures beside it"
    )
    if quiet:
        return
    if result.best.epoch == 1 < len(result.history):
        click.echo(
            "no epoch after the first was better: these faces taught little; more of them, or fewer epochs"
        )
    click.echo(
        f"next: toolkit quantize --model {shlex.quote(str(result.model))} --data {shlex.quote(str(request.data))}"
    )


def interrupted(out: Path, epochs_done: int) -> NoReturn:
    """Raise the error that says what Ctrl-C leaves and how to go on."""
    from device.errors import EdgeError
    from toolkit.training.request import BEST_FILE

    if not epochs_done:
        held = (out / BEST_FILE).exists()
        kept = f"{out} keeps what it held" if held else "nothing is kept; train again"
        raise EdgeError(f"interrupted before an epoch was finished; {kept}")
    raise EdgeError(
        f"interrupted; {out} keeps epoch {epochs_done} and {BEST_FILE}, the best so far; go on with: toolkit train "
        f"--out {shlex.quote(str(out))} --resume"
    )
