"""``toolkit data inspect``."""

import json
import logging
from pathlib import Path

import click

from device.cli.commands import Command
from device.cli.options import output_options

log = logging.getLogger(__name__)


@click.command(cls=Command)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.html",
    help="Write an HTML page with charts and faces, and the JSON beside it.",
)  # fmt: skip
@click.option("--classes", help="Look at these classes only, comma-separated.")
@click.option(
    "--near/--no-near", default=True, show_default=True, help="Look for nearly identical faces too."
)
@output_options(
    quiet="Print no progress and no summary.",
    overwrite="Replace an existing --out.",
)
def inspect(
    data: Path, out: Path | None, classes: str | None, near: bool, overwrite: bool, as_json: bool, quiet: bool
) -> None:
    """Show what is in DATA: classes by split, copies, leaks, conflicting labels, broken files."""
    from toolkit.data.class_names import checked_classes
    from toolkit.data.inspection import inspect_dataset
    from toolkit.data.readers.loading import load_dataset

    paths = None
    if out:  # what the page needs is missed here, not after minutes of reading
        from toolkit.outputs import page_paths
        from toolkit.reporting.inspection_page import write_inspection

        paths = page_paths(out, (".json",), overwrite, (data,))
    chosen = checked_classes(classes) if classes else None
    inspection = inspect_dataset(load_dataset(data, chosen, lenient=True), near)
    if paths:
        write_inspection(inspection, paths[0], paths[1], overwrite)
        log.info(f"wrote {paths[0]} and {paths[1]}")
    if as_json:
        click.echo(json.dumps(inspection.to_json()))
    elif not quiet:
        click.echo(inspection.summary())
