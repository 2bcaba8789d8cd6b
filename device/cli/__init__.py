"""The ``device`` command line: one file a command."""

import click

from device.cli.commands import HELP, LazyGroup
from device.cli.ending import run_command_line

COMMANDS = {
    "run": "device.cli.run:run",
    "benchmark": "device.cli.benchmark:benchmark",
    "info": "device.cli.info:info",
    "doctor": "device.cli.doctor:doctor",
    "fetch": "device.cli.fetch:fetch",
    "install": "device.cli.install:install",
    "rollback": "device.cli.install:rollback",
    "service": "device.cli.service:service",
    "config": "device.cli.config:config",
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings=HELP)
@click.version_option(package_name="fer-edge")
def device() -> None:
    """Recognise facial expressions on this device: camera, face, int8 model, label."""


def main() -> None:
    """Run the command line."""
    run_command_line(device, "device")
