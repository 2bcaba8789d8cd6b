"""``toolkit deploy``: a model onto boards."""

import json
import logging

import click

from device.cli.commands import Command
from device.cli.messages import as_options
from device.cli.options import Whole, output_options

log = logging.getLogger(__name__)


@click.command(cls=Command)
@click.argument("hosts", nargs=-1, metavar="[USER@HOST...]")
@click.option(
    "--inventory",
    metavar="FILE[:GROUP]",
    help="Also deploy to the hosts of an inventory in Ansible's INI form, or to one group or host of it.",
)
@click.option(
    "--model", metavar="FILE", help="The .tflite to deploy. Default: the one that the package carries."
)
@click.option("--wheel", metavar="FILE", help="The fer-edge wheel. Default: the newest in dist/.")
@click.option("--python", default="python3", show_default=True, help="The Python to use on the hosts.")
@click.option("--runs", default=300, show_default=True, type=Whole(1), help="Rounds of the benchmark there.")
@click.option("--ssh-config", type=click.Path(exists=True), metavar="FILE", help="Passed to ssh as -F.")
@click.option("--out", type=click.Path(), help="Write what the hosts measured here.", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Only check the hosts and say what would be done.")
@output_options(quiet="Print no progress.", overwrite="Replace an existing --out.")
def deploy(
    hosts: tuple[str, ...],
    inventory: str | None,
    model: str | None,
    wheel: str | None,
    python: str,
    runs: int,
    ssh_config: str | None,
    out: str | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Install fer-edge and a model on boards over ssh: verified, tried and timed there, then switched.

    A service that runs ~/fer-edge/current/bin/device is restarted, and gets back what it ran before if it does not
    start with the new. 'deployed' says that the service runs it, 'installed' that nothing runs it yet, and how to
    make it run. Exit 1 if any host failed; what ran there goes on.
    """
    from pathlib import Path

    from device.errors import EdgeError
    from toolkit.deploy.fleet import collected, deploy_all, make_parcel
    from toolkit.deploy.inventory import asked_hosts, file_and_group
    from toolkit.outputs import refuse_output
    from toolkit.results.codec import write_results

    if out:
        boards = file_and_group(inventory)[0] if inventory else None
        refuse_output(out, overwrite, (model, wheel, ssh_config, boards))
    reached = asked_hosts(hosts, inventory, Path(ssh_config) if ssh_config else None)
    parcel = make_parcel(model, wheel, python, runs)
    outcomes = deploy_all(reached, parcel, dry_run)
    if as_json:
        click.echo(json.dumps([outcome.to_json() for outcome in outcomes]))
    else:
        for outcome in outcomes:
            click.echo(as_options(f"{outcome.verdict:<9} {outcome.host}: {outcome.line}"))
    if out and any(outcome.benchmark for outcome in outcomes):
        write_results(collected(outcomes, parcel), out, overwrite)
        log.info(f"wrote {out}")
    failed = [outcome.host for outcome in outcomes if outcome.verdict == "failed"]
    if failed:
        raise EdgeError(f"{len(failed)} of {len(outcomes)} hosts failed: {', '.join(failed)}")
