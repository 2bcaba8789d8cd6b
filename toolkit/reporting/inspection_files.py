"""Writing what an inspection found: the page, and the JSON beside it."""

import json
from pathlib import Path

from device.errors import UsageError
from device.files import write_together
from toolkit.data.inspection import Inspection
from toolkit.outputs import refuse_output
from toolkit.reporting.inspection_page import render_inspection


def page_paths(out: Path, data: Path, overwrite: bool) -> tuple[Path, Path]:
    """Return the files that ``--out`` stands for, the page and the JSON; EdgeError if one may not be written or is
    ``data``."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"expected a file ending in .html for `out`; received {out}")
    paths = out, out.with_suffix(".json")
    for path in paths:
        refuse_output(path, overwrite, (data,))
    return paths


def write_inspection(inspection: Inspection, page: Path, document: Path, overwrite: bool = False) -> None:
    """Write the HTML page and the JSON document, both whole or neither."""
    told = json.dumps(inspection.to_json(), indent=1) + "\n"
    write_together({page: render_inspection(inspection), document: told}, overwrite)
