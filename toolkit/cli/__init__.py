"""The ``toolkit`` command line: one file a command."""

import click

from device.cli.commands import HELP, LazyGroup
from device.cli.ending import run_command_line

COMMANDS = {
    "data": "toolkit.cli.data:data",
    "train": "toolkit.cli.train:train",
    "compare": "toolkit.cli.compare:compare",
    "sweep": "toolkit.cli.sweep:sweep",
    "evaluate": "toolkit.cli.evaluate:evaluate",
    "quantize": "toolkit.cli.quantize:quantize",
    "benchmark": "toolkit.cli.benchmark:benchmark",
    "report": "toolkit.cli.report:report",
    "publish": "toolkit.cli.publish:publish",
    "deploy": "toolkit.cli.deploy:deploy",
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=HELP)
@click.version_option(package_name="fer-edge")
def toolkit() -> None:
    """Train, quantize and prove compact facial-expression models for edge devices."""


def main() -> None:
    """Run the command line."""
    run_command_line(toolkit, "toolkit")
