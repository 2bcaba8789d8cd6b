"""``toolkit train``."""

import json
from pathlib import Path

import click

from device.cli.output_options import output_options


def print_architectures(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """Print every architecture with a line about it, and exit."""
    if not wanted or ctx.resilient_parsing:
        return
    from toolkit.training.architectures import ARCHITECTURES

    width = max(map(len, ARCHITECTURES)) + 2
    for architecture in ARCHITECTURES.values():
        start = f"; starts from --weights {architecture.pretrained}" if architecture.pretrained else ""
        click.echo(f"{architecture.name:{width}}{architecture.summary}{start}")
    ctx.exit()


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Folders by split and class, or fer2013.csv.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of this training.  [default: runs/ARCH]")
@click.option("--arch", help="Architecture; see --list-archs.  [default: compact]")
@click.option(
    "--list-archs",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_architectures,
    help="List the architectures and exit.",
)
@click.option(
    "--label-source",
    type=click.Choice(["own", "ferplus"]),
    help="Labels of the data itself, or the majority of the FER+ votes, 8 classes.  [default: own]",
)
@click.option("--classes", help="Train on these classes only, comma-separated, in this order.")
@click.option(
    "--recipe", "recipe_file", type=click.Path(path_type=Path), help="TOML file of training options."
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Trained .keras to learn from; repeat for several.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder where the teachers' answers are kept, and found by every training with the same teachers, faces and "
    "views.  [default: OUT/answers]",
)
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
    "--epochs", type=int, help="Times through the training faces.  [default: 60; 30 with published weights]"
)
@click.option("--batch-size", type=int, help="Faces a step.  [default: 128]")
@click.option(
    "--learning-rate",
    type=float,
    help="Peak learning rate for a batch of 128.  [default: 0.1; 0.02 with published weights]",
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
    help="Keras dtype policy: float32, mixed_bfloat16, mixed_float16.  [default: mixed_bfloat16]",
)
@click.option("--seed", type=int, help="Seed of everything random.  [default: 0]")
@click.option("--resume", is_flag=True, help="Go on where the training in --out stopped.")
@output_options(
    quiet="No progress.",
    overwrite="Start anew in a folder that holds a training or a best.keras.",
)
def train(
    data, out, classes, recipe_file, teachers, answers, init, resume, overwrite, as_json, quiet, **choices
) -> None:
    """Train a model; the best epoch by validation is kept in OUT/best.keras."""
    from toolkit.cli.progress import TrainingProgress
    from toolkit.data.class_names import parse_classes
    from toolkit.models.quiet_tensorflow import import_quietly
    from toolkit.training.recipe import RANDOM_WEIGHTS, read_recipe

    if init and not choices["weights"]:
        choices["weights"] = RANDOM_WEIGHTS
    names = parse_classes(classes, fewest=2) if classes is not None else None
    recipe = read_recipe(recipe_file, **choices)
    with TrainingProgress(recipe.epochs, quiet) as progress:
        import_quietly()
        from toolkit.training.session import TrainingRequest, train

        out = out or Path("runs") / recipe.arch
        request = TrainingRequest(data, out, recipe, names, teachers, init, resume, overwrite, answers)
        result = train(request, progress.say, progress.step, progress.epoch_done)
    report = result.report
    if as_json:
        click.echo(
            json.dumps(
                {"model": str(result.model), "epochs": len(result.history), "validation": report.to_json()}
            )
        )
        return
    low, high = (100 * bound for bound in report.interval)
    click.echo(
        f"{result.model}: {100 * report.accuracy:.1f} % on {report.n:,} validation faces "
        f"(95 % interval {low:.1f} to {high:.1f}); history and pictures beside it"
    )
