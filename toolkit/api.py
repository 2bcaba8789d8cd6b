"""The Python API of the toolkit: what the commands do, with str or Path, keyword arguments and their defaults.

Nothing is printed and no matplotlib backend is changed; progress is logged under ``toolkit`` at INFO.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.labels import labels_from
from toolkit.comparison.comparison import ComparisonRequest
from toolkit.comparison.comparison import compare as run_comparison
from toolkit.comparison.page import PAGE
from toolkit.comparison.variants import make_variants
from toolkit.data.class_names import checked_classes
from toolkit.evaluation.evaluate import evaluate_models
from toolkit.models.options import ModelOptions
from toolkit.outputs import page_paths, refuse_output
from toolkit.quantization.options import QuantizeOptions, layer_names
from toolkit.quantization.quantizer import QuantizationResult
from toolkit.quantization.run import run as run_quantization
from toolkit.reporting.build import DOCUMENTS, Report, make_report, write_report
from toolkit.results.codec import write_results
from toolkit.results.types import Results
from toolkit.training.request import make_request

StrPath = str | Path


def listed(value: StrPath | Sequence[StrPath]) -> list[Any]:
    """Return ``value`` as a list: one name is not its letters."""
    return [value] if isinstance(value, str | Path) else list(value)


@dataclasses.dataclass(frozen=True)
class Trained:
    """A finished training: the best model's file, its figures on the validation faces, a record an epoch."""

    model: Path
    accuracy: float
    interval: tuple[float, float]
    n: int
    history: tuple[dict[str, Any], ...]

    def _repr_html_(self) -> str:
        low, high = self.interval
        return (
            f"<p><code>{self.model}</code>: {100 * self.accuracy:.1f} % on {self.n:,} validation faces "
            f"(95 %: {100 * low:.1f} to {100 * high:.1f})</p>"
        )


def train(data: StrPath, out: StrPath | None = None, **options: Any) -> Trained:
    """Train a model on the faces at ``data``; the best epoch by validation is kept in ``out``/best.keras.

    ``options``: keys of a recipe (``arch``, ``epochs``, ``learning_rate``, …, see docs/RECIPES.md), ``init``,
    ``teachers``, ``classes``, ``recipe`` (a TOML file), ``resume`` and ``overwrite``. EdgeError as ``toolkit train``.

    >>> trained = train("faces", "runs/one", arch="small", epochs=20)
    """
    from toolkit.training.session import train as run_training

    recipe, resume = options.pop("recipe", None), options.pop("resume", False)
    overwrite = options.pop("overwrite", False)
    several = {name: listed(options[name]) for name in ("teachers", "more_data") if options.get(name)}
    request = make_request(
        Path(recipe) if recipe else None,
        Path(out) if out else None,
        resume,
        overwrite,
        data=data,
        **(options | several),
    )
    result = run_training(request)
    report = result.report
    history = tuple(dataclasses.asdict(record) for record in result.history)
    return Trained(result.model, report.accuracy, report.interval, report.n, history)


def quantize(model: StrPath, out: StrPath | None = None, **options: Any) -> QuantizationResult:
    """Quantize a Keras model, measure it against its float original and write a ``.tflite``.

    ``options``: the other fields of ``QuantizeOptions`` (``data``, ``recipe``, ``max_drop``, ``overwrite``, …). Of
    ``recipe="all"`` the one to take is returned; what ``edgetpu`` finds stands in the file ``results``.
    ``.path`` of the result is the file, ``.measured`` what it cost, ``.model()`` the model ready to run. EdgeError as
    ``toolkit quantize``.

    >>> result = quantize("runs/one/best.keras", data="faces", max_drop=0.5)
    """
    if isinstance(options.get("data"), Path):
        options["data"] = str(options["data"])
    if options.get("results"):
        options["results"] = Path(options["results"])
    options |= {
        "keep_float": layer_names(options.get("keep_float")),
        "labels": labels_from(options.get("labels")),
    }
    asked = QuantizeOptions(Path(model), out=Path(out) if out else None, **options)
    return run_quantization(asked).result


def evaluate(
    models: StrPath | Sequence[StrPath], data: StrPath, out: StrPath | None = None, **options: Any
) -> Results:
    """Measure model files on the labelled faces at ``data``; later ones are compared with the first, face by face.

    ``options``: ``split``, ``classes``, ``label_source``, ``robustness``, and the fields of ``ModelOptions``
    (``labels``, ``pixel_range``, …); ``out`` and ``overwrite`` write the results for ``report``. Raises UsageError for
    an ``out`` that is read, EdgeError for one that may not be written, before anything is measured.
    ``.models[0].evaluations[0].report.accuracy`` is a share.

    >>> results = evaluate(["best.keras", "best_int8.tflite"], "faces", split="test")
    """
    overwrite = options.pop("overwrite", False)
    fields = {field.name for field in dataclasses.fields(ModelOptions)}
    if options.get("classes"):
        options["classes"] = checked_classes(options["classes"], fewest=2)
    paths, labels = [str(path) for path in listed(models)], options.get("labels")
    if out is not None:
        refuse_output(out, overwrite, (*paths, data, labels if isinstance(labels, str | Path) else None))
    options["labels"] = labels_from(labels)
    told = ModelOptions(**{name: options.pop(name) for name in fields & options.keys()})
    results = evaluate_models(paths, str(data), options=told, **options)
    if out is not None:
        write_results(results, out, overwrite)
    return results


def report(
    results: StrPath | Sequence[StrPath], out: StrPath | None = None, overwrite: bool = False
) -> Report:
    """Join results files into one page; with ``out`` write FILE.html with JSON and Markdown beside it.

    >>> page = report(["evaluation.json", "benchmark.json"], "report.html")
    """
    files = [str(path) for path in listed(results)]
    paths = page_paths(out, DOCUMENTS, overwrite, files) if out is not None else None
    made = make_report(files)
    if paths:
        write_report(made, paths, overwrite)
    return made


def compare(
    data: StrPath,
    archs: str | Sequence[str],
    out: StrPath = "runs/compare",
    *,
    seeds: int = 1,
    vary: str | Sequence[str] = (),
    classes: str | Sequence[str] | None = None,
    targets: Sequence[str] = (),
    int8: bool = True,
    **recipe: Any,
) -> dict[str, Any]:
    """Train several networks, built in or files of your own, and write one page: ``out``/index.html.

    ``recipe``: keys that all trainings share, such as ``epochs``. Returned is what ``out``/compare.json holds, and the
    page's path as ``page``.

    >>> ranking = compare("faces", ["small", "my_net.py"], seeds=3, epochs=20)["ranking"]
    """
    request = ComparisonRequest(
        Path(data),
        Path(out),
        make_variants(listed(archs), listed(vary), None),
        seeds=seeds,
        common=recipe,
        classes=checked_classes(classes, fewest=2) if classes else None,
        targets=tuple(listed(targets)),
        quantize=int8,
    )
    return {**run_comparison(request), "page": str(Path(out) / PAGE)}
