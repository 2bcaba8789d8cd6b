"""``device info``: what a model file says of itself."""

import click

from device.cli.commands import Command
from device.cli.messages import as_options
from device.cli.options import delegate_option, output_options


@click.command(cls=Command)
@click.argument("model", required=False, metavar="[FILE]")
@delegate_option
@output_options(quiet=None)
@click.option("--verbose", "-v", is_flag=True, help="List the operators too.")
def info(model: str | None, delegate: str | None, as_json: bool, verbose: bool) -> None:
    """Print what a .tflite says of itself: labels, input, provenance, accuracy. Without FILE: the
    installed model, else the packaged.
    """
    import json

    from device.model.description import describe, description_lines
    from device.model.expression_model import load_model
    from device.service.model_store import model_in_use

    description = describe(load_model(model or model_in_use(), allow_unlabelled=True, delegate=delegate))
    click.echo(
        json.dumps(description, indent=1)
        if as_json
        else as_options("\n".join(description_lines(description, verbose)))
    )
