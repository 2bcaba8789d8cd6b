"""Reading what a report is made of: results files, facts of data sets, and what the device printed."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from toolkit.results.codec import results_from_json
from toolkit.results.data_facts import DataFacts, is_inspection, read_inspection
from toolkit.results.merge import join_results
from toolkit.results.types import HOST, MEASURED, SCHEMA, Latency, ModelIdentity, ModelResults, Results

EXPECTED = (
    "expected JSON of 'toolkit evaluate --out', 'toolkit benchmark --out', 'toolkit quantize --results', "
    "'toolkit data inspect --json', 'device run --json' or 'device benchmark --json'"
)


@dataclass(frozen=True)
class Run:
    """A run of the frame loop on a device: latency by stage, and what it said of itself."""

    name: str
    latency: Latency
    facts: dict[str, Any]


@dataclass(frozen=True)
class Documents:
    """What the files of a report hold together."""

    results: Results
    runs: tuple[Run, ...]
    data_sets: tuple[DataFacts, ...]


def read_documents(paths: list[str]) -> Documents:
    """Return what is in the files ``paths``; EdgeError for a file that is none of those a report is made of."""
    documents, runs, data_sets = [], [], []
    for path in paths:
        content = _read_json(path)
        if content.get("schema") == SCHEMA:
            documents.append(results_from_json(content, path))
            runs += [_run(found, path) for found in content.get("runs", ())]
            data_sets += [DataFacts.from_json(found, path) for found in content.get("data_sets", ())]
        elif is_inspection(content):
            data_sets.append(read_inspection(content, path))
        elif isinstance(content.get("models"), list) and "machine" in content:
            documents.append(_device_benchmark(content, path))
        elif "recipe" in content and "measured_on" in content:
            documents.append(_quantization(content, path))
        elif isinstance(content.get("latency"), dict) and "frames" in content:
            runs.append(_run(content, path))
        else:
            raise EdgeError(f"{path} is no results file; {EXPECTED}")
    if data_sets and not documents:
        raise EdgeError(
            f"no results of a model in {', '.join(paths)}: what 'toolkit data inspect' found only goes beside them; "
            "add a file of 'toolkit evaluate --out' or 'toolkit benchmark --out'"
        )
    if not documents:
        raise EdgeError(f"no results of a model among {len(paths)} files; {EXPECTED}")
    last = {facts.source: facts for facts in data_sets}
    return Documents(join_results(documents), tuple(runs), tuple(last.values()))


def _read_json(path: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EdgeError(f"there is no file {path}; {EXPECTED}") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise EdgeError(f"{path} is no JSON ({error}); {EXPECTED}") from error
    if not isinstance(content, dict):
        raise EdgeError(f"{path} holds a JSON {type(content).__name__}; {EXPECTED}")
    _refuse_no_numbers(content, path)
    return content


def _refuse_no_numbers(value: Any, place: str) -> None:
    """Raise EdgeError if a NaN or an infinity stands anywhere in ``value``: it would pass every condition."""
    if isinstance(value, float) and not math.isfinite(value):
        raise EdgeError(f"{place} is {value}; expected a number: measure it again")
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            _refuse_no_numbers(part, f"{place}: {key}")


def _run(content: dict[str, Any], path: str) -> Run:
    latency = Latency("device", MEASURED, content["latency"])
    facts = {key: value for key, value in content.items() if key != "latency"}
    return Run(f"device run on {content.get('source', Path(path).name)}", latency, facts)


def _quantization(content: dict[str, Any], path: str) -> Results:
    """Return what ``toolkit quantize --results`` wrote: how the file came about and the error of each layer."""
    try:
        name, labels = Path(content["path"]).name, tuple(content["labels"])
        size, recipe = content["size_bytes"], content["recipe"]
        identity = ModelIdentity(name, content["sha256"], "tflite", size, labels, recipe)
    except KeyError as error:
        raise EdgeError(
            f"{path} is a damaged answer of 'toolkit quantize --results': no {error}; run it again"
        ) from error
    kept = ("recipe", "kept_float", "representative", "layers", "trials", "seconds", "source", "measured_on")
    found = {key: content[key] for key in kept if key in content}
    return Results((ModelResults(identity, quantization=found),), "quantize")


def _device_benchmark(content: dict[str, Any], path: str) -> Results:
    """Return what ``device benchmark --json`` printed as results on the board it names, else on the target 'host'.

    An earlier version named neither board nor processor: what it was is told by the kind of machine alone.
    """
    target = str(content.get("board") or HOST)
    entries = []
    try:
        cpu = str(content.get("cpu") or content["machine"])
        first = Path(content["models"][0]["path"]).name
        for found in content["models"]:
            name = Path(found["path"]).name
            labels = tuple(found.get("labels") or ())
            model = ModelIdentity(
                name, found["sha256"], "tflite", found["size_bytes"], labels, found.get("recipe")
            )
            ratio = found.get("ratio_to_first") or {"ratio": 1.0, "low": 1.0, "high": 1.0}
            extra = {"ratio_to": first, "ratio": ratio}
            latency = Latency(
                target,
                MEASURED,
                {"classify": found["latency"]},
                "device",
                found["threads"],
                1,
                extra,
                cpu if target == HOST else "",
            )
            entries.append(ModelResults(model, latencies=(latency,)))
        where = {"machine": content["machine"], "cpu": cpu, "versions": {"python": content["python"]}}
    except (KeyError, TypeError, IndexError) as error:
        raise EdgeError(
            f"{path} is a damaged benchmark ({type(error).__name__}: {error}); run it again"
        ) from error
    return Results(tuple(entries), "device benchmark", provenance=where)
