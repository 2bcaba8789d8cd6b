"""Google's ``edgetpu_compiler``, where it is installed: run it and read its log."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from device.child_processes import last_words
from device.errors import EdgeError
from device.files import refuse_existing, write_whole
from toolkit.outputs import temporary_folder

PROGRAM = "edgetpu_compiler"
HOW_TO_GET_IT = (
    f"{PROGRAM} is not on the PATH, so the compile step has NOT been run: on x86-64 Linux install the package "
    "'edgetpu-compiler' of https://coral.ai/docs/edgetpu/compiler, then repeat"
)
TIMEOUT_S = 300
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True)
class CompilerLog:
    """What the compiler said. Sizes in bytes; ``operators`` are (operator, count, status); ``path`` its
    output.
    """

    version: str
    on_chip_bytes: int | None
    streamed_bytes: int | None
    subgraphs: int | None
    operators: tuple[tuple[str, int, str], ...] = ()
    path: str = ""
    text: str = field(default="", repr=False)


def compile_for_edgetpu(model: Path, overwrite: bool = False) -> CompilerLog | None:
    """Compile ``model`` and keep ``STEM_edgetpu.tflite`` beside it; None where there is no compiler.

    Raises EdgeError with the compiler's last line where it refuses.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    out = model.with_name(f"{model.stem}_edgetpu.tflite")
    refuse_existing(out, overwrite)
    with temporary_folder() as folder:
        command = [program, "-s", "-o", str(folder), str(model)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EdgeError(f"{PROGRAM} did not finish: {error}") from error
        made = folder / out.name
        if done.returncode or not made.is_file():
            raise EdgeError(f"{PROGRAM} refuses {model}: {last_words(done)}")
        write_whole(out, made.read_bytes(), overwrite)
    return read_log(done.stdout + done.stderr, str(out))


def read_log(text: str, path: str = "") -> CompilerLog:
    """Read what ``edgetpu_compiler -s`` prints; a figure that is not there is None."""
    version = re.search(r"Edge TPU Compiler version (\S+)", text)
    subgraphs = re.search(r"Number of Edge TPU subgraphs: (\d+)", text)
    rows = re.findall(r"^([A-Z][A-Z0-9_]+)\s+(\d+)\s+(\S.*?)\s*$", text, re.MULTILINE)
    return CompilerLog(
        version=version.group(1) if version else "unknown",
        on_chip_bytes=_size(text, "On-chip memory used for caching model parameters"),
        streamed_bytes=_size(text, "Off-chip memory used for streaming uncached model parameters"),
        subgraphs=int(subgraphs.group(1)) if subgraphs else None,
        operators=tuple((name, int(count), status) for name, count, status in rows),
        path=path,
        text=text,
    )


def _size(text: str, label: str) -> int | None:
    found = re.search(re.escape(label) + r": ([\d.]+)(B|KiB|MiB|GiB)", text)
    return round(float(found.group(1)) * UNITS[found.group(2)]) if found else None
