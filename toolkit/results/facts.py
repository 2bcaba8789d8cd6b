"""The open parts of a results document: the names and types that readers rely on. Other facts may stand beside."""

from typing import TypedDict


class Ratio(TypedDict):
    """Latency over that of another model, with its 95 % interval."""

    ratio: float
    low: float
    high: float


class LatencyFacts(TypedDict, total=False):
    """Beside the times of a model. ``band``, ``frame_band``: the factors by which an
    estimate of the network and of a frame may be wrong, either way."""

    ratio_to: str
    ratio: Ratio
    throughput_per_s: float
    quantiles_ms: list[float]
    drift_ratio: float
    steady: bool
    import_ms: float
    load_ms: float
    first_inference_ms: float
    peak_memory_mb: float
    band: float
    frame_band: float
    board: str
    how: str
    instructions: int


class RepresentativeFacts(TypedDict):
    """The representative faces of a quantization."""

    count: int
    source: str
    sha256: str


class LayerFacts(TypedDict):
    """What int8 does to one layer: the change of the probabilities by it alone, its signal to noise."""

    name: str
    damage: float
    snr_db: float


class QuantizationFacts(TypedDict, total=False):
    """How a quantized file came about."""

    recipe: str | None
    kept_float: list[str]
    representative: RepresentativeFacts | None
    layers: list[LayerFacts]


class RecipeFacts(TypedDict, total=False):
    """What the report tells of a training's recipe."""

    arch: str
    epochs: int
    label_source: str


class TrainingFacts(TypedDict, total=False):
    """How a Keras file came about."""

    recipe: RecipeFacts
    epoch: int
    train_faces: int
    train_sha256: str
    leaks_removed: int
    history: dict[str, list[float]]


class Source(TypedDict, total=False):
    """One command that measured: where and when."""

    command: str
    created: str
    machine: str
    system: str
    cpu: str
    versions: dict[str, str]


class ProvenanceFacts(Source, total=False):
    """Where a document comes from; ``documents``: of one that joins others, theirs."""

    documents: list[Source]


class RunFacts(TypedDict, total=False):
    """What ``device run --json`` tells beside the latency of its stages."""

    source: str
    frames: int
    faces: int
    seconds: float
