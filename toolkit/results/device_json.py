"""What ``device run --json`` and ``device benchmark --json`` printed, as parts of a report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from toolkit.results.decode import decode
from toolkit.results.facts import Ratio, RunFacts
from toolkit.results.identity import distinct_names
from toolkit.results.types import CLASSIFY, HOST, MEASURED, Latency, ModelIdentity, ModelResults, Results

UNCHANGED: Ratio = {"ratio": 1.0, "low": 1.0, "high": 1.0}


@dataclass(frozen=True)
class Run:
    """A run of the frame loop on a device: latency by stage, and what else it printed."""

    name: str
    latency: Latency
    facts: dict[str, Any]


@dataclass(frozen=True)
class TimedModel:
    """A model of ``device benchmark``; ``latency``: its LatencyStats."""

    path: str
    sha256: str
    size_bytes: int
    threads: int
    latency: dict[str, Any]
    recipe: str | None = None
    labels: tuple[str, ...] = ()
    ratio_to_first: Ratio | None = None


@dataclass(frozen=True)
class DeviceBenchmark:
    """A document of ``device benchmark``; ``board``: None on a machine that is none."""

    machine: str
    python: str
    models: tuple[TimedModel, ...]
    board: str | None
    cpu: str

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("there is no model in it")


def run_of(content: Any, path: str) -> Run:
    """Return a run from what was printed; EdgeError if it is damaged."""
    try:
        facts = decode(RunFacts, content)
        stages = decode(dict[str, dict[str, Any]], facts.pop("latency", None), "latency")  # type: ignore[typeddict-item]
        if min(facts.get("frames", 0), facts.get("faces", 0), facts.get("seconds", 0)) < 0:
            raise ValueError("frames, faces or seconds are below 0")
        latency = Latency("device", MEASURED, stages)
    except ValueError as error:
        raise EdgeError(f"{path} is a damaged run ({error}); run 'device run --json' again") from error
    return Run(f"device run on {facts.get('source', Path(path).name)}", latency, dict(facts))


def benchmark_of(content: Any, path: str) -> Results:
    """Return a benchmark as results on the board it names, else on the target 'host'; EdgeError if it is damaged."""
    try:
        found = decode(DeviceBenchmark, content)
        called = distinct_names([one.path for one in found.models])
        entries = tuple(_timed(found, one, called) for one in found.models)
    except ValueError as error:
        raise EdgeError(f"{path} is a damaged benchmark ({error}); run it again") from error
    where = {
        "machine": found.machine,
        "cpu": found.cpu,
        "versions": {"python": found.python},
    }
    return Results(entries, "device benchmark", provenance=where)


def _timed(found: DeviceBenchmark, model: TimedModel, called: dict[str, str]) -> ModelResults:
    identity = ModelIdentity(
        called[model.path], model.sha256, "tflite", model.size_bytes, model.labels, model.recipe
    )
    latency = Latency(
        target=found.board or HOST,
        origin=MEASURED,
        stages={CLASSIFY: model.latency},
        threads=model.threads,
        extra={"ratio_to": called[found.models[0].path], "ratio": model.ratio_to_first or UNCHANGED},
        cpu="" if found.board else found.cpu,
    )
    return ModelResults(identity, latencies=(latency,))
