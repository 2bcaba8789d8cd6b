"""``device install`` and ``device rollback``: changing the model that runs."""

import json
from typing import TYPE_CHECKING

import click

from device.cli.commands import Command
from device.cli.options import output_options

if TYPE_CHECKING:
    from device.service.model_store import Installed


@click.command(cls=Command)
@click.argument("model", metavar="FILE")
@output_options()
def install(model: str, as_json: bool, quiet: bool) -> None:
    """Verify and try a .tflite, then make it the one that 'device run' uses; the one before is kept."""
    from device.service.model_store import install_model

    _tell(install_model(model), as_json, quiet)


@click.command(cls=Command)
@output_options()
def rollback(as_json: bool, quiet: bool) -> None:
    """Go back to the model before this one; run it again to undo that."""
    from device.service.model_store import roll_back

    _tell(roll_back(), as_json, quiet)


def _tell(installed: "Installed", as_json: bool, quiet: bool) -> None:
    if as_json:
        from device.model.expression_model import PACKAGED_MODEL

        previous = installed.previous or PACKAGED_MODEL
        click.echo(json.dumps({"current": str(installed.current), "previous": str(previous)}))
    elif not quiet:
        click.echo(f"current   {installed.current}\nprevious  {installed.previous or 'the packaged model'}")
