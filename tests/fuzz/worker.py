"""Takes model files on standard input and does with each what ``device`` does: read, check, load, infer once.

A file is its length (8 bytes) and its bytes; the answer is one letter, followed for ``X`` by a traceback: ``R`` refused
by the reader, ``U`` not understood, ``E`` refused by the interpreter, ``K`` ran, ``X`` an error that is none of ours.
Whoever sends the files sees a crash, a hang (SIGPROF) or too much memory as the end of this process.
"""

import os
import resource
import signal
import struct
import sys
import traceback
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.model.checks.graph import unfamiliar
from device.model.expression_model import ExpressionModel
from device.model.file.tflite_file import read_tflite
from device.model.interpreters.litert import LocalInterpreter

LABELS = tuple("abcdefg")
SECONDS, MOST_BYTES = 20, 700 << 20
APART_EVERY = 400  # so seldom is what is not understood run in a process of its own: that takes half a second


def tried(data: bytes, apart: bool) -> str:
    try:
        file = read_tflite(data)
        reason = unfamiliar(file)
    except EdgeError:
        return "R"
    if reason is not None and not apart:
        return "U"
    try:
        model = ExpressionModel(data, Path("fuzz.tflite"), LABELS)
        assert isinstance(model._interpreter, LocalInterpreter) == (reason is None)
        model.predict(np.full((2, *model.input_size_hw), 200, np.uint8))
    except EdgeError:
        return "E" if reason is None else "U"
    return "K" if reason is None else "U"


def main() -> None:
    requests, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_BYTES, taken + MOST_BYTES))
    count = 0
    while header := requests.read(8):
        data = requests.read(struct.unpack("<Q", header)[0])
        count += 1
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of processor time: a busy machine finds nothing
        try:
            answer = tried(data, apart=count % APART_EVERY == 0)
        except Exception:
            answer = "X" + traceback.format_exc()
        signal.setitimer(signal.ITIMER_PROF, 0)
        content = answer.encode()
        answers.write(struct.pack("<Q", len(content)) + content)


if __name__ == "__main__":
    sys.exit(main())
