"""``device config``: a settings file checked, or shown with every option that it may hold."""

import click

from device.cli.commands import LazyGroup
from device.cli.output_options import output_options
from device.errors import UsageError


@click.group(cls=LazyGroup)
def config() -> None:
    """Check and show the settings file of 'device run --config FILE'."""


@config.command()
@click.argument("file", metavar="FILE")
@output_options(json=False)
def check(file: str, quiet: bool) -> None:
    """Read FILE as 'device run --config FILE' would; exit 2 and a line for the first thing that is wrong."""
    from device.cli.run import asked_options, run
    from device.cli.settings_file import read_settings
    from device.runtime.refusals import check_options

    try:
        context = run.make_context("device run", ["--config", file])
    except click.UsageError as error:
        raise UsageError(f"{file}: {error.format_message()}") from error
    options = asked_options(context)
    check_options(options)
    if not quiet:
        settings = len(read_settings(file, context.command))
        click.echo(f"{file}: {settings} settings and {len(options.rules)} rules, all known and valid")


@config.command()
@click.argument("file", metavar="[FILE]", required=False)
def show(file: str | None) -> None:
    """Print a settings file with every option, its help and default, and what FILE sets; secrets stay references."""
    from device.cli.run import run
    from device.cli.settings_file import read_settings, read_toml, settings_lines, settings_of

    settings = read_settings(file, run) if file else {}
    if file:
        written = {key.replace("_", "-"): value for key, value in read_toml(file).items()}
        for key, option in settings_of(run).items():
            if isinstance(written.get(key), dict):
                settings[option.name or key] = written[key]
    click.echo("\n".join(settings_lines(run, settings)))
