"""``toolkit report``: results joined into one page that can be shown."""

import json

import click

from device.cli.commands import Command
from device.cli.options import output_options


@click.command(cls=Command)
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...")
@click.option(
    "--out", type=click.Path(), metavar="FILE.html", help="The page; JSON and Markdown go beside it."
)
@click.option("--compare", is_flag=True, help="RESULTS are two reports, OLD and NEW: tell what changed.")
@click.option(
    "--faces", metavar="DATA", help="Show the faces of DATA that flipped. Puts their pictures in the page."
)
@click.option(
    "--fail-if", "condition", metavar="CONDITION",
    help="Exit 1 if this holds for any model, such as 'drop>0.5 or p50_ratio>1.1'.",
)  # fmt: skip
@output_options(
    quiet="Print nothing.",
    overwrite="Replace an existing report.",
)
def report(
    results: tuple[str, ...],
    out: str | None,
    compare: bool,
    faces: str | None,
    condition: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Join what evaluate, quantize, benchmark, deploy, data inspect and the device wrote into one HTML page.

    Without --out the Markdown goes to standard output. --fail-if knows accuracy, balanced_accuracy,
    calibration_error (0 to 1), drop (points lost, against float or, with --compare, against OLD), agreement, p50_ms,
    p90_ms, p99_ms, p50_ratio, size_kib, size_ratio, parameters and peak_memory_mb.
    """
    from device.errors import UsageError, refuse_without
    from toolkit.outputs import page_paths
    from toolkit.reporting.build import DOCUMENTS, fail_if, make_report, write_report
    from toolkit.reporting.change import FIGURES
    from toolkit.reporting.condition import Condition

    if compare and len(results) != 2:
        raise UsageError(f"--compare takes two reports, OLD and NEW; received {len(results)}")
    if not out:
        refuse_without("out", "FILE.html", faces=faces)
    limit = Condition(condition, FIGURES) if condition else None
    paths = page_paths(out, DOCUMENTS, overwrite, (*results, faces)) if out else None
    made = (
        make_report([results[1]], results[0], faces) if compare else make_report(list(results), None, faces)
    )
    if paths:
        write_report(made, paths, overwrite)
    if as_json:
        click.echo(json.dumps(made.to_json()))
    elif not quiet:
        click.echo(
            f"wrote {out}, with JSON and Markdown beside it" if out else made.to_markdown(), nl=bool(out)
        )
    if limit:
        fail_if(made, limit)
