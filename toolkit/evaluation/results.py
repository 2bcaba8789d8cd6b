"""The results file: one kind of JSON that evaluate, quantize and benchmark write and that report joins.

A document holds model entries; an entry is known by the SHA-256 of its model file and holds whatever was
measured on it. Figures carry the identity of their data (fingerprint, class order), so two of them are only
ever set side by side when they come from the same faces.
"""

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import sha256_of, write_whole
from toolkit.data.dataset import Dataset
from toolkit.evaluation.compare import PairedComparison
from toolkit.evaluation.metrics import EvaluationReport
from toolkit.evaluation.provenance import now, provenance
from toolkit.evaluation.robustness import Robustness

SCHEMA, SCHEMA_VERSION = "fer-edge/results", 1
MEASURED, ESTIMATED = "measured", "estimated"
HOST = "host"
WRITTEN_BY = "as 'toolkit evaluate --out' writes it"


@dataclass(frozen=True)
class ModelIdentity:
    """A model file: what it is called, what it is, and the digest that tells it from every other."""

    name: str
    sha256: str
    format: str
    size_bytes: int
    labels: tuple[str, ...]
    recipe: str | None = None
    parameters: int | None = None
    macs: int | None = None

    @classmethod
    def of(cls, path: str | Path, labels: tuple[str, ...], **facts: Any) -> "ModelIdentity":
        """Return the identity of the file at ``path``."""
        path = Path(path)
        return cls(
            path.name, sha256_of(path), path.suffix.lstrip("."), path.stat().st_size, tuple(labels), **facts
        )


@dataclass(frozen=True)
class DataIdentity:
    """The faces behind a figure. ``synthetic``: faces of no real person; every figure from them says so."""

    source: str
    split: str
    n: int
    classes: tuple[str, ...]
    fingerprint: str
    synthetic: bool

    @classmethod
    def of(cls, dataset: Dataset, split: str) -> "DataIdentity":
        """Return the identity of ``dataset``, which holds exactly the faces of ``split``."""
        classes, digest = tuple(dataset.classes), dataset.fingerprint()
        return cls(dataset.source, split, len(dataset), classes, digest, dataset.synthetic)


@dataclass(frozen=True)
class Evaluation:
    """A report on one data set; ``leaked_n`` of its faces stand in the training split too; ``robustness``: if asked;
    ``note``: what to say beside the accuracy, if anything."""

    data: DataIdentity
    report: EvaluationReport
    leaked_n: int | None = None
    without_leaks: EvaluationReport | None = None
    robustness: Robustness | None = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """A model against its baseline (its float original, as a rule) on the same faces."""

    baseline: str
    baseline_sha256: str
    data: DataIdentity
    paired: PairedComparison


@dataclass(frozen=True)
class Machine:
    """Where times were taken: only those of one machine stand side by side. See ``Latency``."""

    target: str
    origin: str
    cpu: str = ""

    @property
    def words(self) -> str:
        """The target, and of a host its processor."""
        return f"{self.target} ({self.cpu})" if self.cpu else self.target


@dataclass(frozen=True)
class Latency:
    """Times of one model on one machine.

    stages: stage name to ``LatencyStats.to_json()`` (n, mean_ms, p50_ms, p90_ms, p99_ms, max_ms, warmup_n);
    'classify' is one inference, 'total' one frame from capture to result. origin: measured or estimated.
    ``extra``: throughput, load time, peak memory, ratio to the baseline, how an estimate was made.
    ``cpu``: the processor where ``target`` is 'host', which every machine calls itself; else, or unknown, ''.
    """

    target: str
    origin: str
    stages: dict[str, dict[str, Any]]
    runtime: str = "device"
    threads: int = 1
    batch: int = 1
    extra: dict[str, Any] = field(default_factory=dict)
    cpu: str = ""

    def __post_init__(self) -> None:
        if self.origin not in (MEASURED, ESTIMATED):
            raise ValueError(f"origin is '{self.origin}', expected {MEASURED} or {ESTIMATED}")
        for stage, stats in self.stages.items():
            for key, value in stats.items():
                if key.endswith("_ms") and (
                    not isinstance(value, int | float) or not math.isfinite(value) or value < 0
                ):
                    raise EdgeError(
                        f"latency of '{stage}' on {self.target}: {key} is {value}; measure it again"
                    )

    @property
    def machine(self) -> Machine:
        """Where these times were taken."""
        return Machine(self.target, self.origin, self.cpu)

    @property
    def way(self) -> tuple[str, int, int]:
        """How the model was run: runtime, threads and batch."""
        return self.runtime, self.threads, self.batch


@dataclass(frozen=True)
class ModelResults:
    """All that is known of one model file."""

    model: ModelIdentity
    evaluations: tuple[Evaluation, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    latencies: tuple[Latency, ...] = ()
    quantization: dict[str, Any] | None = None
    training: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any], host_cpu: str = "") -> "ModelResults":
        """Rebuild an entry from ``to_json``; ``host_cpu`` is that of latencies that do not name theirs."""
        return cls(
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


@dataclass(frozen=True)
class Results:
    """One results document."""

    models: tuple[ModelResults, ...]
    command: str = ""
    created: str = field(default_factory=now)
    provenance: dict[str, Any] = field(default_factory=provenance)

    def to_json(self) -> dict[str, Any]:
        """Return the document as plain dictionaries, lists and numbers."""
        head = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "created": self.created,
        }
        return {**head, "provenance": self.provenance, "models": [entry.to_json() for entry in self.models]}

    @classmethod
    def from_json(cls, data: Any, name: str = "the file") -> "Results":
        """Rebuild a document; EdgeError if it is another kind, of a newer version, or incomplete."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise EdgeError(
                f'{name} is no results file; expected JSON with "schema": "{SCHEMA}", {WRITTEN_BY}'
            )
        if data.get("schema_version") != SCHEMA_VERSION:
            raise EdgeError(
                f"{name} has schema version {data.get('schema_version')}, expected {SCHEMA_VERSION}; "
                "write it again with this fer-edge"
            )
        try:
            host_cpu = _host_cpu(data["provenance"])
            models = tuple(ModelResults.from_json(entry, host_cpu) for entry in data["models"])
            return cls(models, data["command"], data["created"], data["provenance"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise EdgeError(
                f"{name} is a damaged results file ({type(error).__name__}: {error}); write it again"
            ) from error


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
    return Results.from_json(data, str(path))


def join_results(documents: list[Results]) -> Results:
    """Return one document with one entry a model file; of the same measurement made twice the last stands."""
    joined: dict[str, ModelResults] = {}
    for document in documents:
        for entry in document.models:
            known = joined.get(entry.model.sha256)
            joined[entry.model.sha256] = entry if known is None else _merge(known, entry)
    origin = [
        {**document.provenance, "command": document.command, "created": document.created}
        for document in documents
    ]
    sources = [source for entry in origin for source in entry.get("documents", [entry])]
    return Results(tuple(joined.values()), "report", provenance={**provenance(), "documents": sources})


def _merge(old: ModelResults, new: ModelResults) -> ModelResults:
    def last_of(first: tuple, second: tuple, key: Any) -> tuple:
        return tuple({key(entry): entry for entry in (*first, *second)}.values())

    robust = {entry.data.fingerprint: entry.robustness for entry in old.evaluations}
    newer = tuple(
        replace(entry, robustness=entry.robustness or robust.get(entry.data.fingerprint))
        for entry in new.evaluations
    )
    facts = {name: value for name, value in asdict(new.model).items() if value is not None}
    return replace(
        old,
        model=replace(old.model, **{**facts, "labels": new.model.labels}),
        evaluations=last_of(old.evaluations, newer, lambda entry: entry.data.fingerprint),
        comparisons=last_of(
            old.comparisons, new.comparisons, lambda entry: (entry.baseline_sha256, entry.data.fingerprint)
        ),
        latencies=last_of(old.latencies, new.latencies, lambda entry: (entry.machine, entry.way)),
        quantization={**(old.quantization or {}), **(new.quantization or {})} or None,
        training={**(old.training or {}), **(new.training or {})} or None,
    )
