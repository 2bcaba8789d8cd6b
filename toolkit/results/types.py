"""What results are made of: a model file and everything measured on it.

An entry is known by the SHA-256 of its model file and holds whatever was measured on it. Figures carry the identity
of their data (fingerprint, class order), so two of them are only ever set side by side when they come from the same
faces.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from device.text import printable
from toolkit.data.dataset import Dataset
from toolkit.results.compare import PairedComparison
from toolkit.results.facts import LatencyFacts, ProvenanceFacts, QuantizationFacts, TrainingFacts
from toolkit.results.metrics import EvaluationReport
from toolkit.results.mistakes import Mistake
from toolkit.results.provenance import now, provenance
from toolkit.results.robustness import Robustness
from toolkit.results.whole_way import WholeWay

SCHEMA, SCHEMA_VERSION = "fer-edge/results", 1
MEASURED, ESTIMATED = "measured", "estimated"
HOST = "host"
DEVICE = "device"  # the runtime of what runs on a board
CLASSIFY = "classify"
STAGE_FIGURES = ("n", "mean_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms")


@dataclass(frozen=True)
class ModelIdentity:
    """A model file: what it is called, what it is, and the digest that tells it from every other.

    ``pixel_range``: what it (or the Keras original of a .tflite) takes of a pixel, such as '0..1', where that is known;
    ``pixel_range_from``: how, where that is told.
    """

    name: str
    sha256: str
    format: str
    size_bytes: int
    labels: tuple[str, ...]
    recipe: str | None = None
    parameters: int | None = None
    macs: int | None = None
    pixel_range: str | None = None
    pixel_range_from: str | None = None

    def __post_init__(self) -> None:
        if self.size_bytes < 1 or not self.sha256 or not self.name:
            raise ValueError(f"'{self.name}' of {self.size_bytes} bytes is no model file")


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
    ``note``: what to say beside the accuracy, if anything; ``mistakes``: the worst; ``measured_at``: ISO 8601, UTC."""

    data: DataIdentity
    report: EvaluationReport
    leaked_n: int | None = None
    without_leaks: EvaluationReport | None = None
    robustness: Robustness | None = None
    note: str = ""
    mistakes: tuple[Mistake, ...] = ()
    measured_at: str = ""

    def __post_init__(self) -> None:
        for found in self.mistakes:
            known = range(len(self.data.classes))
            if not 0 <= found.row < self.data.n or found.label not in known or found.named not in known:
                raise ValueError(f"a mistake is about row {found.row}, which this data does not have")
        if set(self.report.classes) != set(self.data.classes):
            raise ValueError(f"the report is about {len(self.report.classes)} other classes than its data")
        if self.report.n != self.data.n:
            raise ValueError(f"the report is about {self.report.n} faces, its data has {self.data.n}")


@dataclass(frozen=True)
class Comparison:
    """A model against its baseline (its float original, as a rule) on the same faces."""

    baseline: str
    baseline_sha256: str
    data: DataIdentity
    paired: PairedComparison

    def __post_init__(self) -> None:
        classes = range(len(self.data.classes))
        if self.paired.n != self.data.n:
            raise ValueError(f"the comparison is about {self.paired.n} faces, its data has {self.data.n}")
        for flip in self.paired.flips:
            named = (flip.label, flip.float_class, flip.quantized_class)
            if not 0 <= flip.row < self.data.n or any(one not in classes for one in named):
                raise ValueError(
                    f"a flip is about row {flip.row}, classes {named}, which this data does not have"
                )


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
    CLASSIFY is one inference, 'frame' one turn of the frame loop. origin: measured or estimated.
    ``extra``: throughput, load time, peak memory, ratio to the baseline, how an estimate was made.
    ``cpu``: the processor where ``target`` is 'host', which every machine calls itself; else, or unknown, ''.
    ``measured_at``: ISO 8601, UTC.
    """

    target: str
    origin: str
    stages: dict[str, dict[str, Any]]
    runtime: str = DEVICE
    threads: int = 1
    batch: int = 1
    extra: Annotated[dict[str, Any], LatencyFacts] = field(default_factory=dict)
    cpu: str = ""
    measured_at: str = ""

    def __post_init__(self) -> None:
        if self.origin not in (MEASURED, ESTIMATED):
            raise ValueError(f"origin is '{self.origin}', expected {MEASURED} or {ESTIMATED}")
        for stage, stats in self.stages.items():
            for key in STAGE_FIGURES:
                value: Any = stats.get(key)
                if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
                    received = printable(repr(value), 60)
                    raise ValueError(f"latency of '{stage}' on {self.target}: {key} is {received}")
        if self.origin == ESTIMATED and not (
            self.extra.get("band", 0) >= 1 and {"board", "how"} <= set(self.extra)
        ):
            raise ValueError(
                f"the estimate on {self.target} has no board, band of 1 or more, and how it was made"
            )
        if len(self.extra.get("quantiles_ms", range(101))) != 101:
            raise ValueError(f"quantiles_ms on {self.target} are not the 101 from 0 to 100 %")

    def bounds_ms(self, stage: str) -> tuple[float, float]:
        """Return between which times an estimate of ``stage`` lies; frames have a band of their own."""
        band = self.extra["band"] if stage == CLASSIFY else self.extra.get("frame_band", self.extra["band"])
        ms = self.stages[stage]["p50_ms"]
        return ms / band, ms * band

    @property
    def inference(self) -> dict[str, Any]:
        """The times of one inference; KeyError where only others were taken."""
        return self.stages[CLASSIFY]

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
    quantization: Annotated[dict[str, Any], QuantizationFacts] | None = None
    training: Annotated[dict[str, Any], TrainingFacts] | None = None
    whole_way: tuple[WholeWay, ...] = ()

    def evaluation_on(self, fingerprint: str) -> Evaluation | None:
        """Return the evaluation on the faces of this fingerprint, None where there is none."""
        return next((found for found in self.evaluations if found.data.fingerprint == fingerprint), None)

    def comparison_on(self, fingerprint: str) -> Comparison | None:
        """Return the first comparison on the faces of this fingerprint, None where there is none."""
        return next((found for found in self.comparisons if found.data.fingerprint == fingerprint), None)


@dataclass(frozen=True)
class Results:
    """One results document."""

    models: tuple[ModelResults, ...]
    command: str = ""
    created: str = field(default_factory=now)
    provenance: Annotated[dict[str, Any], ProvenanceFacts] = field(default_factory=provenance)

    def to_json(self) -> dict[str, Any]:
        """Return the document as plain dictionaries, lists and numbers."""
        head = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "created": self.created,
        }
        return {**head, "provenance": self.provenance, "models": [asdict(entry) for entry in self.models]}
