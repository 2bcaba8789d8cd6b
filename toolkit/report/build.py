"""Building the report's files from results files."""

import json
from pathlib import Path
from typing import Any

from device.errors import UsageError
from device.files import refuse_existing, write_whole
from toolkit.evaluation.results import Results
from toolkit.report.page import render_page
from toolkit.report.reading import Run, read_documents
from toolkit.report.selection import select


def build_report(paths: list[str], out: str | Path, overwrite: bool = False) -> dict[str, Any]:
    """Write the report on the results files ``paths`` to ``out`` (HTML) and beside it as JSON; return the JSON.

    Raises EdgeError for a file that is no results file, or an existing report without ``overwrite``.
    """
    out = Path(out)
    if out.suffix not in (".html", ".htm"):
        raise UsageError(f"--out is {out}; expected a name that ends in .html")
    beside = out.with_suffix(".json")
    for path in (out, beside):
        refuse_existing(path, overwrite)
    results, runs = read_documents(paths)
    page = render_page(results, runs, beside.name)
    document = report_document(results, runs)
    write_whole(beside, json.dumps(document, indent=1, allow_nan=False) + "\n", overwrite)
    write_whole(out, page, overwrite)
    return document


def report_document(results: Results, runs: tuple[Run, ...]) -> dict[str, Any]:
    """Return the joined results with the decision: itself a results document that a later report can read."""
    selection = select(results)
    decision = {
        "choice": selection.choice.name if selection.choice else None,
        "data": selection.data.fingerprint if selection.data else None,
        "synthetic": selection.data.synthetic if selection.data else None,
        "target": selection.target,
        "origin": selection.origin,
        "pareto_front": list(selection.front),
        "notes": list(selection.notes),
    }
    spoken = [{**run.facts, "latency": run.latency.stages} for run in runs]
    return {**results.to_json(), "decision": decision, "runs": spoken}
