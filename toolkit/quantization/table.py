"""What quantization brought, on a terminal."""

import json

from toolkit.evaluation.table import interval, percent
from toolkit.quantization.quantize import QuantizationResult


def print_result(result: QuantizationResult, as_json: bool = False, quiet: bool = False) -> None:
    """Print one result: as JSON, as the path alone, or in a few lines."""
    if as_json:
        print(json.dumps(result.to_json(), indent=1))
    elif quiet:
        print(result.path)
    else:
        print("\n".join(result_lines(result)))


def result_lines(result: QuantizationResult) -> list[str]:
    """Return size, agreement, accuracy and place of one result, a line each."""
    measured, representative = result.measured, result.metadata.representative
    kind = (
        "synthetic faces (of no real person)" if measured.synthetic else f"faces of {measured.faces.source}"
    )
    lines = [
        f"{result.source} -> {result.path}",
        f"  recipe           {result.recipe.name}: {result.recipe.summary}",
        f"  size             {result.size_bytes / 1024:.0f} KiB (from {result.source_size_bytes / 1024:.0f} KiB)",
    ]
    if representative:
        lines.append(
            f"  representative   {representative['count']} faces of {representative['source']}, "
            f"seed {representative['seed']}, SHA-256 {representative['sha256'][:12]}"
        )
    lines.append(f"  measured on      {len(measured.faces)} {kind}")
    lines.append(f"  top-1 agreement  {percent(measured.top1_agreement, 2)}")
    if measured.float_report and measured.quantized_report and measured.paired:
        paired = measured.paired
        low, high = paired.drop_interval
        for name, report in (("float", measured.float_report), ("quantized", measured.quantized_report)):
            lines.append(f"  {name:<16} {percent(report.accuracy, 2)} (95 %: {interval(report.interval)})")
        lines.append(
            f"  drop             {paired.drop_points:+.2f} points (95 %: {low:+.2f} to {high:+.2f}); "
            f"{paired.flips_to_wrong} faces lost, {paired.flips_to_right} won"
        )
    else:
        lines.append(
            "  accuracy         not measured: the faces do not show this model's classes; pass --data"
        )
    lines.append(f"  took             {result.seconds:.1f} s")
    return lines
