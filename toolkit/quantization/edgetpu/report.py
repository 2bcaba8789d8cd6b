"""What the Edge TPU check and its compiler found, as a document and as lines."""

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from device.model.file.tflite_file import read_tflite
from toolkit.quantization.edgetpu.compiler import HOW_TO_GET_IT, CompilerLog, compile_for_edgetpu
from toolkit.quantization.edgetpu.rules import ON_CHIP_BYTES, EdgeTpuCheck, check_edgetpu


def examine(model: Path, overwrite: bool) -> tuple[dict[str, Any], list[str]]:
    """Check ``model``, compile it where the compiler is installed, and return the document and its lines."""
    check = check_edgetpu(read_tflite(model))
    log = compile_for_edgetpu(model, overwrite)
    document = {**check.to_json(), "compiler": asdict(log) if log else None}
    return document, check_lines(check) + (log_lines(log) if log else [f"  {HOW_TO_GET_IT}"])


def check_lines(check: EdgeTpuCheck) -> list[str]:
    """Return the table of operators, equal neighbours joined, and the verdict."""
    lines = ["Edge TPU, by the documented rules of its compiler:"]
    for (operator, reason), rows in groupby(check.operators, key=lambda row: (row.operator, row.reason)):
        lines.append(f"  {len(list(rows)):>3} {operator:<24} {reason}")
    mapped = sum(row.mapped for row in check.operators)
    size = f"{check.parameter_bytes / 1024:.0f} KiB of parameters"
    place = "fit" if check.parameter_bytes <= ON_CHIP_BYTES else "do not fit; the rest is streamed"
    verdict = "the whole model maps" if check.whole else f"{mapped} of {len(check.operators)} operators map"
    lines.append(f"  {verdict}; {size} {place} on the chip ({ON_CHIP_BYTES >> 20} MiB)")
    return lines


def log_lines(log: CompilerLog) -> list[str]:
    """Return what the compiler did, in lines."""
    on_cpu = [f"{count} {name}: {status}" for name, count, status in log.operators if "Mapped" not in status]
    lines = [f"  compiled by {log.version} to {log.path}: {log.subgraphs} partition(s)"]
    if log.on_chip_bytes is not None and log.streamed_bytes is not None:
        lines[0] += (
            f", {log.on_chip_bytes / 1024:.0f} KiB on the chip, {log.streamed_bytes / 1024:.0f} KiB streamed"
        )
    return lines + [f"  the compiler left on the CPU: {row}" for row in on_cpu]
