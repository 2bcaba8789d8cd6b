"""The results file: one kind of JSON that evaluate, quantize and benchmark write and that report joins."""

import json
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import write_whole
from toolkit.results.compare import PairedComparison
from toolkit.results.metrics import EvaluationReport
from toolkit.results.robustness import Robustness
from toolkit.results.types import (
    HOST,
    SCHEMA,
    SCHEMA_VERSION,
    Comparison,
    DataIdentity,
    Evaluation,
    Latency,
    ModelIdentity,
    ModelResults,
    Results,
)

WRITTEN_BY = "as 'toolkit evaluate --out' writes it"


def write_results(results: Results, path: str | Path, overwrite: bool = False) -> None:
    """Write a results document to ``path``, whole or not at all."""
    write_whole(path, json.dumps(results.to_json(), indent=1, allow_nan=False) + "\n", overwrite)


def read_results(path: str | Path) -> Results:
    """Read a results document; EdgeError if there is none or it is broken."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EdgeError(f"there is no file {path}; expected a results file, {WRITTEN_BY}") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise EdgeError(f"{path} is no results file: {error}; expected JSON, {WRITTEN_BY}") from error
    return results_from_json(data, str(path))


def results_from_json(data: Any, name: str = "the file") -> Results:
    """Rebuild a document; EdgeError if it is another kind, of a newer version, or incomplete."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise EdgeError(f'{name} is no results file; expected JSON with "schema": "{SCHEMA}", {WRITTEN_BY}')
    if data.get("schema_version") != SCHEMA_VERSION:
        raise EdgeError(
            f"{name} has schema version {data.get('schema_version')}, expected {SCHEMA_VERSION}; "
            "write it again with this fer-edge"
        )
    try:
        host_cpu = _host_cpu(data["provenance"])
        models = tuple(_model_results(entry, host_cpu) for entry in data["models"])
        return Results(models, data["command"], data["created"], data["provenance"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EdgeError(
            f"{name} is a damaged results file ({type(error).__name__}: {error}); write it again"
        ) from error


def _model_results(data: dict[str, Any], host_cpu: str) -> ModelResults:
    """Rebuild an entry from ``to_json``; ``host_cpu`` is that of latencies that do not name theirs."""
    return ModelResults(
        model=ModelIdentity(**{**data["model"], "labels": tuple(data["model"]["labels"])}),
        evaluations=tuple(_evaluation(entry) for entry in data.get("evaluations", ())),
        comparisons=tuple(_comparison(entry) for entry in data.get("comparisons", ())),
        latencies=tuple(_latency(entry, host_cpu) for entry in data.get("latencies", ())),
        quantization=data.get("quantization"),
        training=data.get("training"),
    )


def _data_identity(entry: dict[str, Any]) -> DataIdentity:
    return DataIdentity(**{**entry, "classes": tuple(entry["classes"])})


def _evaluation(entry: dict[str, Any]) -> Evaluation:
    cleaned, robustness = entry.get("without_leaks"), entry.get("robustness")
    return Evaluation(
        _data_identity(entry["data"]),
        EvaluationReport.from_json(entry["report"]),
        entry.get("leaked_n"),
        EvaluationReport.from_json(cleaned) if cleaned else None,
        Robustness.from_json(robustness) if robustness else None,
        entry.get("note", ""),
    )


def _comparison(entry: dict[str, Any]) -> Comparison:
    paired = PairedComparison.from_json(entry["paired"])
    return Comparison(entry["baseline"], entry["baseline_sha256"], _data_identity(entry["data"]), paired)


def _latency(entry: dict[str, Any], host_cpu: str) -> Latency:
    return Latency(**{"cpu": host_cpu if entry["target"] == HOST else "", **entry})


def _host_cpu(provenance: dict[str, Any]) -> str:
    """Return the processor that 'host' was in a document of an earlier version; '' if it was several."""
    sources = provenance.get("documents", [provenance])
    cpus = {source.get("cpu", "") for source in sources if "benchmark" in source.get("command", "benchmark")}
    return cpus.pop() if len(cpus) == 1 else ""
