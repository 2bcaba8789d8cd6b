"""``device fetch``: the default detector's file, if the package came without it."""

import json

import click

from device.cli.commands import Command
from device.cli.options import output_options


@click.command(cls=Command)
@click.argument("what", type=click.Choice(["yunet"]))
@click.option("--url", help="Fetch from this address; the digest must be the same.")
@output_options(overwrite="Fetch again even if the file is there and good.")
def fetch(what: str, url: str | None, overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Get the file of YuNet, the default detector (MIT, OpenCV Zoo), if the package came without it."""
    from device.faces.detectors.fetching import YUNET_URL, fetch_yunet
    from device.faces.detectors.yunet_file import YUNET_SHA256

    path = fetch_yunet(url or YUNET_URL, overwrite)
    if as_json:
        click.echo(json.dumps({"path": str(path), "sha256": YUNET_SHA256}))
    elif not quiet:
        click.echo(f"{path}")
