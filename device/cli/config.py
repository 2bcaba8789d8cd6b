"""``device config``: a settings file checked, or shown with every option that it may hold."""

import click

from device.cli.commands import LazyGroup
from device.cli.options import output_options
from device.text import counted


@click.group(cls=LazyGroup)
def config() -> None:
    """Check and show the settings file of 'device run --config FILE'."""


@config.command()
@click.argument("file", metavar="FILE")
@output_options(json=False)
def check(file: str, quiet: bool) -> None:
    """Read FILE as 'device run --config FILE' would; a line for the first thing that is wrong."""
    from device.cli.run import asked_options, run
    from device.cli.settings_lines import SETTINGS, told_with_line
    from device.runtime.refusals import check_options

    context = run.make_context("device run", ["--config", file])
    with told_with_line(context):
        options = asked_options(context)
        check_options(options)
    if not quiet:
        settings = counted(len(context.meta[SETTINGS].document.keys() - {"rule"}), "setting")
        click.echo(f"{file}: {settings} and {counted(len(options.rules), 'rule')}, all known and valid")


@config.command()
@click.argument("file", metavar="[FILE]", required=False)
def show(file: str | None) -> None:
    """Print a settings file with every option, its help and default, and what FILE sets; secrets stay references."""
    from device.cli.run import run
    from device.cli.settings_file import settings_lines, settings_of, values_of
    from device.cli.settings_lines import read_file

    settings = {}
    if file:
        read = read_file(file)
        settings = values_of(read, run)
        written = {key.replace("_", "-"): value for key, value in read.document.items()}
        for key, option in settings_of(run).items():
            if isinstance(written.get(key), dict):
                settings[option.name or key] = written[key]
    click.echo("\n".join(settings_lines(run, settings)))
