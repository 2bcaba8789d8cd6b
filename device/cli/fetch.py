"""``device fetch``: files that are not ours to ship."""

import json

import click

from device.cli.output_options import output_options


@click.command()
@click.argument("what", type=click.Choice(["yunet"]))
@click.option("--url", help="Fetch from this address; the digest must be the same.")
@output_options(overwrite="Fetch again even if the file is there and good.")
def fetch(what, url, overwrite, as_json, quiet) -> None:
    """Download the YuNet detector (MIT, OpenCV Zoo) and check its SHA-256."""
    from device.faces.fetching import YUNET_SHA256, YUNET_URL, fetch_yunet

    path = fetch_yunet(url or YUNET_URL, overwrite)
    if as_json:
        click.echo(json.dumps({"path": str(path), "sha256": YUNET_SHA256}))
    elif not quiet:
        click.echo(f"{path}\nuse it with --detector yunet")
