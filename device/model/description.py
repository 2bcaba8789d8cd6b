"""What a model file is, as a plain document and as lines to read."""

import math
from collections import Counter
from typing import Any

from device.model.expression_model import ExpressionModel
from device.model.pixels import input_contract
from device.text import printable


def describe(model: ExpressionModel) -> dict[str, Any]:
    """Return a loaded model's metadata and what its graph shows, ready for JSON."""
    structure, metadata = model.structure, model.metadata
    image, scores = model.input_tensor, model.output_tensor
    constants = [tensor for tensor in structure.tensors if tensor.constant is not None]
    return {
        "path": str(model.path),
        "sha256": model.sha256,
        "size_bytes": model.path.stat().st_size,
        "labels": list(model.labels),
        "input": {
            "shape": list(image.shape),
            "dtype": image.dtype,
            "scale": image.scales[0] if image.scales else None,
            "zero_point": image.zero_points[0] if image.scales else None,
            "pixel_scale": input_contract(image, metadata).pixel_scale,
            "pixel_range": model.pixel_range if model.range_is_known else None,
            "colour": model.colour,
        },
        "output": {
            "shape": list(scores.shape),
            "dtype": scores.dtype,
            "scale": scores.scales[0] if scores.scales else None,
            "zero_point": scores.zero_points[0] if scores.scales else None,
            "probabilities": model.outputs_probabilities,
            "of": model.output_counts,
        },
        "signatures": list(structure.signatures),
        "runs_apart": model.confined_because,
        "operators": dict(Counter(operator.name for operator in structure.operators)),
        "constant_bytes": sum(len(tensor.constant or b"") for tensor in constants),
        "dtypes": dict(Counter(tensor.dtype for tensor in structure.tensors)),
        "metadata": metadata.to_json() if metadata else None,
    }


def description_lines(description: dict[str, Any], verbose: bool = False) -> list[str]:
    """Return the description as lines for a person; whatever the file holds, a terminal only shows it."""
    entry, out, metadata = description["input"], description["output"], description["metadata"]
    lines = [
        f"{description['path']}",
        f"  size            {description['size_bytes'] / 1024:.0f} KiB, SHA-256 {description['sha256']}",
        f"  labels          {', '.join(description['labels']) or 'none; pass `labels` where it is used'}",
        f"  input           {_tensor_line(entry)}; {_pixel_line(entry)}",
        f"  output          {_tensor_line(out)}; {'probabilities' if out['probabilities'] else 'logits'}"
        + _choice(description),
    ]
    if len(signatures := description["signatures"]) > 1:
        lines.append(f"  signatures      {signatures[0]}, which is read, {', '.join(signatures[1:])}")
    if reason := description["runs_apart"]:
        lines.append(f"  runs apart      in a process of its own with limits: {reason}")
    if metadata:
        lines += _provenance_lines(metadata)
    else:
        lines.append("  provenance      none: the file carries no fer_edge.json")
    if verbose:
        lines.append(
            "  operators       " + ", ".join(f"{n} {name}" for name, n in description["operators"].items())
        )
        lines.append(
            "  tensors         " + ", ".join(f"{n} {name}" for name, n in description["dtypes"].items())
        )
    return [printable(line) for line in lines]


def _choice(description: dict[str, Any]) -> str:
    counts = description["output"]["of"]
    numbers = ", ".join(map(str, counts))
    return f"; of its outputs of {numbers} numbers the labels tell which is read" if len(counts) > 1 else ""


def _tensor_line(tensor: dict[str, Any]) -> str:
    shape = "x".join(map(str, tensor["shape"]))
    if tensor["scale"] is None:
        return f"{shape} {tensor['dtype']}"
    return f"{shape} {tensor['dtype']}, scale {tensor['scale']:.6g}, zero point {tensor['zero_point']}"


def _pixel_line(entry: dict[str, Any]) -> str:
    channels = "red, green, blue" if entry["colour"] else "gray in all three channels"
    return _level_line(entry) + (f", {channels}" if entry["shape"][3] == 3 else "")


def _level_line(entry: dict[str, Any]) -> str:
    whole_range = entry["scale"] and math.isclose(entry["scale"], entry["pixel_scale"], rel_tol=1e-6)
    if whole_range and entry["dtype"] == "int8":
        return "a pixel enters as pixel - 128"
    if whole_range and entry["dtype"] == "uint8":
        return "a pixel enters as it is"
    if entry["dtype"] in ("float32", "int16") and entry["pixel_scale"] == 1:
        known = entry["pixel_range"]
        return f"pixels enter as {known}" if known else "nothing tells which pixel values it takes"
    return f"a pixel stands for pixel x {entry['pixel_scale']:.6g}"


def _provenance_lines(metadata: dict[str, Any]) -> list[str]:
    lines = [f"  recipe          {metadata['recipe'] or 'float'}, crop margin {metadata['crop_margin']}"]
    if metadata["kept_float"]:
        lines.append(f"  kept in float32 {', '.join(metadata['kept_float'])}")
    if representative := metadata["representative"]:
        lines.append(
            f"  representative  {representative['count']} faces of {representative['source']}, "
            f"SHA-256 {representative['sha256'][:12]}"
        )
    for name, figure in (metadata["accuracy"] or {}).items():
        low, high = figure["interval"]
        lines.append(
            f"  {name:<15} {100 * figure['accuracy']:.2f} % (95 %: {100 * low:.1f}–{100 * high:.1f} %) "
            f"on {figure['data']}"
        )
    made = ", ".join(f"{name} {version}" for name, version in metadata["versions"].items())
    lines.append(
        f"  made            {metadata['created'] or 'at an unknown time'} with {made or 'unknown versions'}"
    )
    lines.append(f"  weights         SHA-256 {metadata['weights_sha256']}")
    return lines
