"""Reading what a report is made of: results files, facts of data sets, and what the device printed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from toolkit.results.codec import results_from_json
from toolkit.results.data_facts import DataFacts, data_facts_of, is_inspection, read_inspection
from toolkit.results.decode import decode
from toolkit.results.device_json import Run, benchmark_of, run_of
from toolkit.results.facts import QuantizationFacts
from toolkit.results.json_file import read_json
from toolkit.results.merge import join_results
from toolkit.results.types import SCHEMA, ModelIdentity, ModelResults, Results

EXPECTED = (
    "expected JSON of 'toolkit evaluate --out', 'toolkit benchmark --out', 'toolkit quantize --results', "
    "'toolkit data inspect --json', 'device run --json' or 'device benchmark --json'"
)
MOST_ENTRIES = 60  # models, runs and data sets of one report


@dataclass(frozen=True)
class Documents:
    """What the files of a report hold together."""

    results: Results
    runs: tuple[Run, ...]
    data_sets: tuple[DataFacts, ...]


def read_documents(paths: list[str]) -> Documents:
    """Return what is in the files ``paths``; EdgeError for a file of any other kind."""
    documents: list[Results] = []
    runs: list[Run] = []
    data_sets: list[DataFacts] = []
    for path in paths:
        content = read_json(path, EXPECTED)
        if content.get("schema") == SCHEMA:
            documents.append(results_from_json(content, path))
            runs += [run_of(found, path) for found in _list(content, "runs", path)]
            data_sets += [data_facts_of(found, path) for found in _list(content, "data_sets", path)]
        elif is_inspection(content):
            data_sets.append(read_inspection(content, path))
        elif isinstance(content.get("models"), list) and "machine" in content:
            documents.append(benchmark_of(content, path))
        elif "recipe" in content and "measured_on" in content:
            documents.append(_quantization(content, path))
        elif "recommended" in content and "impossible" in content:  # of --recipe all
            documents += [_quantization(one, path) for one in _list(content, "results", path)]
        elif isinstance(content.get("latency"), dict) and "frames" in content:
            runs.append(run_of(content, path))
        else:
            raise EdgeError(f"{path} is no results file; {EXPECTED}")
    if not any(document.models for document in documents):
        raise EdgeError(
            f"no results of a model in {', '.join(paths)}: what 'toolkit data inspect' or 'device run' printed only "
            "goes beside them; add a file of 'toolkit evaluate --out' or 'toolkit benchmark --out'"
        )
    joined = join_results(documents)  # a fleet has many files of one model
    number = len(joined.models) + len(runs) + len(data_sets)
    if number > MOST_ENTRIES:
        raise EdgeError(
            f"{number} models, runs and data sets in {len(paths)} files; a report takes at most {MOST_ENTRIES}"
        )
    last = {facts.source: facts for facts in data_sets}
    return Documents(joined, tuple(runs), tuple(last.values()))


def _list(content: dict[str, Any], key: str, path: str) -> list[Any]:
    found = content.get(key, [])
    if not isinstance(found, list):
        raise EdgeError(f"{path} is a damaged report ({key} is no list); write it again")
    return found


def _quantization(content: dict[str, Any], path: str) -> Results:
    """Return what ``toolkit quantize --results`` wrote: how the file came about and the error of each layer."""
    try:
        facts = decode(QuantizationFacts, content)
        name = Path(decode(str, content.get("path"), "path")).name
        identity = decode(ModelIdentity, {**content, "name": name, "format": "tflite"})
    except ValueError as error:
        raise EdgeError(
            f"{path} is a damaged answer of 'toolkit quantize --results' ({error}); run it again"
        ) from error
    kept = ("recipe", "kept_float", "representative", "layers", "trials", "seconds", "source", "measured_on")
    found = {key: value for key, value in facts.items() if key in kept}
    return Results((ModelResults(identity, quantization=found),), "quantize")
