"""``device service``: the systemd unit of a device that runs on its own."""

import click

from device.cli.commands import LazyGroup
from device.cli.output_options import output_options
from device.errors import UsageError


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
    from device.board.service import install_unit

    online = check_run_options(run_options)
    path = install_unit(run_options, overwrite=overwrite, start=not no_start, online=online)
    if not quiet:
        click.echo(f"{path}\nwatch it with 'systemctl status fer-edge' and 'journalctl -u fer-edge -f'")


@service.command(context_settings={"ignore_unknown_options": True})
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED)
def show(run_options: tuple[str, ...]) -> None:
    """Print the unit that 'install' would write, with the same options of 'device run'."""
    from device.board.service import unit_text

    online = check_run_options(run_options)
    click.echo(unit_text(run_options, online=online), nl=False)


@service.command()
@output_options(json=False)
def uninstall(quiet: bool) -> None:
    """Stop, disable and remove the unit; the installed models stay."""
    from device.board.service import remove_unit

    path = remove_unit()
    if not quiet:
        click.echo(f"removed {path}")


def check_run_options(run_options: tuple[str, ...]) -> bool:
    """Refuse now what 'device run' would refuse at every start, or from the second one on.

    Return whether what is asked for, in a settings file too, needs the network.
    """
    from device.cli.run import asked_options, run
    from device.runtime.refusals import refuse_alone

    context = run.make_context("device run", list(run_options))
    refuse_alone(asked_options(context))
    asked = context.params
    for name in ("output", "video", "save_frames"):
        kept = asked["overwrite"] or (name == "output" and asked["append"])
        if asked[name] and not kept:
            remedy = "--append to add to it, or " if name == "output" else ""
            raise UsageError(
                f"--{name.replace('_', '-')} {asked[name]} exists from the service's second start on, which would be "
                f"refused; pass {remedy}--overwrite to begin it anew at each start"
            )
    address = isinstance(asked["source"], str) and "://" in asked["source"]
    return address or any(asked[name] for name in ("mqtt", "preview", "metrics"))
