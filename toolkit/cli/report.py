"""``toolkit report``: results joined into one page that can be shown."""

import json

import click


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...")
@click.option(
    "--out", required=True, type=click.Path(), metavar="FILE.html", help="The page; JSON goes beside it."
)
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
@click.option("--json", "as_json", is_flag=True, help="Print the report's figures as one JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def report(results, out, overwrite, as_json, quiet) -> None:
    """Join what evaluate, quantize, benchmark and the device wrote into one self-contained HTML page."""
    from toolkit.report import build_report

    document = build_report(list(results), out, overwrite)
    if as_json:
        click.echo(json.dumps(document))
    elif not quiet:
        click.echo(f"wrote {out}, its figures as JSON beside it")
