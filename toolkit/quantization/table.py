"""What quantization brought, on a terminal and as a document."""

import hashlib
from dataclasses import asdict
from typing import Any

from device.text import counted
from toolkit.quantization.description import data_name
from toolkit.quantization.guard import ranked
from toolkit.quantization.quantizer import QuantizationResult
from toolkit.results.identity import size_of
from toolkit.results.words import change_points, interval, percent

WORTH_A_WARNING = 0.5  # points
LEAST_AGREEMENT = 0.97
MEND = "`max_drop=0.5` makes loud channels alike, then keeps the layers that lose most in float32"


def result_document(result: QuantizationResult) -> dict[str, Any]:
    """Return one result as plain dictionaries, lists and numbers."""
    measured, metadata = result.measured, result.metadata
    paired = measured.paired
    return {
        "path": str(result.path),
        "sha256": hashlib.sha256(result.content).hexdigest(),
        "source": str(result.source),
        "recipe": result.recipe.name,
        "kept_float": list(result.recipe.kept_float),
        "equalized": result.recipe.equalized,
        "size_bytes": len(result.content),
        "source_size_bytes": size_of(result.source),
        "labels": list(metadata.labels),
        "input": metadata.to_json()["input"],
        "pixel_range": metadata.pixel_range,
        "pixel_range_from": result.range_from,
        "representative": metadata.representative,
        "measured_on": {
            "source": measured.faces.source,
            "n": len(measured.faces),
            "synthetic": measured.synthetic,
            "note": result.note,
        },
        "top1_agreement": measured.top1_agreement,
        "float": measured.float_report and asdict(measured.float_report),
        "quantized": measured.quantized_report and asdict(measured.quantized_report),
        "comparison": paired and {key: value for key, value in asdict(paired).items() if key != "flips"},
        "layers": [layer.to_json() for layer in result.layers],
        "trials": [asdict(trial) for trial in result.trials],
        "seconds": round(result.seconds, 2),
    }


def result_lines(result: QuantizationResult, verbose: bool = False) -> list[str]:
    """Return size, agreement, accuracy and place of one result, a line each; ``verbose`` adds every layer."""
    measured, representative = result.measured, result.metadata.representative
    kind = (
        "synthetic faces (of no real person)"
        if measured.synthetic
        else f"faces of {data_name(measured.faces)}"
    )
    lines = [
        f"{result.source} -> {result.path}",
        f"  recipe           {result.recipe.name}: {result.recipe.summary}",
        f"  size             {len(result.content) / 1024:.0f} KiB (from {size_of(result.source) / 1024:.0f} KiB)",
    ]
    lines.append(f"  pixel range      {result.metadata.pixel_range} ({result.range_from})")
    if result.recipe.kept_float:
        lines.append(f"  kept in float32  {', '.join(result.recipe.kept_float)}")
    if result.recipe.equalized:
        lines.append(
            "  equalised        loud channels were made like the others; the network is the same in float"
        )
    if representative:
        lines.append(
            f"  representative   {representative['count']} faces of {representative['source']}, "
            f"seed {representative['seed']}, SHA-256 {representative['sha256'][:12]}"
        )
    lines.append(f"  measured on      {len(measured.faces)} {kind}")
    lines.append(f"  top-1 agreement  {percent(measured.top1_agreement, 2)}")
    lines += _accuracy_lines(result)
    if result.note:
        lines.append(f"  note: {result.note}")
    if verbose or result.trials:
        lines += layer_lines(result)
    return lines


def _accuracy_lines(result: QuantizationResult) -> list[str]:
    measured = result.measured
    paired = measured.paired
    if measured.float_report is None or measured.quantized_report is None or paired is None:
        lines = ["  accuracy         not measured: the faces do not show this model's classes; pass `data`"]
        if measured.top1_agreement < LEAST_AGREEMENT:
            lines.append(f"  that is little: {MEND}")
        return lines
    lines = []
    for name, report in (("float", measured.float_report), ("quantized", measured.quantized_report)):
        lines.append(f"  {name:<16} {percent(report.accuracy, 2)} (95 %: {interval(report.interval)})")
    lines.append(
        f"  change           {change_points(paired.drop_points, paired.drop_interval)} points; "
        f"{counted(paired.flips_to_wrong, 'face')} lost, {paired.flips_to_right} won"
    )
    if paired.drop_points > WORTH_A_WARNING and paired.drop_interval[0] > 0:
        lines.append(f"  that is much: {MEND}")
    return lines


def layer_lines(result: QuantizationResult) -> list[str]:
    """Return what the guard tried and the error of each layer, the worst first."""
    lines = [f"  tried            {trial}" for trial in result.trials]
    lines.append(
        "  layer                            own SNR  worst channel  cosine    change of probabilities alone"
    )
    for error in ranked(result.layers):
        lines.append(
            f"    {error.name:<28} {error.snr_db:>7.1f} dB {error.worst_channel_snr_db:>10.1f} dB  {error.cosine:.5f}  "
            f"{100 * error.output_error:.3f} %"
        )
    return lines
