"""``device doctor``: is this device fit to run?"""

import json

import click

from device.cli.commands import Command
from device.cli.messages import as_options
from device.cli.options import delegate_option, output_options
from device.errors import EdgeError


@click.command(cls=Command)
@click.option("--source", help="Check this source instead of the device's own camera.")
@click.option("--model", metavar="FILE", help="Check this model instead of the one that would run.")
@delegate_option
@output_options(quiet="Print only what is not ok.")
def doctor(source: str | None, model: str | None, delegate: str | None, as_json: bool, quiet: bool) -> None:
    """Check board, power, temperature, versions, model, detectors and camera; exit 1 if anything fails."""
    from device.service.doctor import examine

    checks = examine(source, model, delegate=delegate)
    if as_json:
        click.echo(json.dumps({"checks": [check.to_json() for check in checks]}, indent=1))
    else:
        for check in checks:
            if not quiet or check.status != "ok":
                click.echo(as_options(check.line()))
    failed = [check.name for check in checks if check.status == "fail"]
    if failed:
        raise EdgeError(f"not fit to run: {', '.join(failed)}; each 'fail' above says what to do")
