"""``device service``: the systemd unit of a device that runs on its own."""

import click

from device.cli.commands import LazyGroup
from device.cli.options import output_options
from device.cli.service_options import needs_of


@click.group(cls=LazyGroup)
def service() -> None:
    """Run at every start of the board, watched by systemd."""


@service.command(context_settings={"ignore_unknown_options": True})
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED)
@click.option("--no-start", is_flag=True, help="Only write the unit.")
@output_options(json=False, overwrite="Replace a unit that says something else.")
def install(run_options: tuple[str, ...], no_start: bool, overwrite: bool, quiet: bool) -> None:
    """Write, enable and start the unit. Options of 'device run' follow after --, for example:

    sudo device service install -- --source usb:0 --mqtt homeassistant.local
    """
    from device.service.systemd import install_unit

    path = install_unit(run_options, overwrite=overwrite, start=not no_start, needs=needs_of(run_options))
    if not quiet:
        click.echo(f"{path}\nwatch it with 'systemctl status fer-edge' and 'journalctl -u fer-edge -f'")


@service.command(context_settings={"ignore_unknown_options": True})
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED)
def show(run_options: tuple[str, ...]) -> None:
    """Print the unit that 'install' would write, with the same options of 'device run'."""
    from device.service.unit import unit_text

    click.echo(unit_text(run_options, needs=needs_of(run_options)), nl=False)


@service.command()
@output_options(json=False)
def uninstall(quiet: bool) -> None:
    """Stop, disable and remove the unit; the installed models stay."""
    from device.service.systemd import remove_unit

    path = remove_unit()
    if not quiet:
        click.echo(f"removed {path}")
