"""The results file: one kind of JSON that evaluate, quantize and benchmark write and that report joins."""

import json
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import write_whole
from device.text import printable
from toolkit.results.decode import decode
from toolkit.results.json_file import read_json
from toolkit.results.types import SCHEMA, SCHEMA_VERSION, Results

WRITTEN_BY = "as 'toolkit evaluate --out' writes it"


def write_results(results: Results, path: str | Path, overwrite: bool = False) -> None:
    """Write a results document to ``path``, whole or not at all."""
    write_whole(path, json.dumps(results.to_json(), indent=1, allow_nan=False) + "\n", overwrite)


def read_results(path: str | Path) -> Results:
    """Read a results document; EdgeError if there is none or it is broken."""
    return results_from_json(read_json(path, f"expected a results file, {WRITTEN_BY}"), str(path))


def results_from_json(data: Any, name: str = "the file") -> Results:
    """Rebuild a document; EdgeError if it is another kind, of a newer version, or incomplete."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise EdgeError(f'{name} is no results file; expected JSON with "schema": "{SCHEMA}", {WRITTEN_BY}')
    if data.get("schema_version") != SCHEMA_VERSION:
        raise EdgeError(
            f"{name} has schema version {printable(repr(data.get('schema_version')), 60)}, expected {SCHEMA_VERSION}; "
            "write it again with this fer-edge"
        )
    try:
        return decode(Results, data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EdgeError(f"{name} is a damaged results file ({error}); write it again") from error
