"""The child process of ``confinement``: limits itself, loads a model from its standard input, answers inferences.

Started as ``python -m device.model.interpreters.confined_process FACTS``, FACTS being JSON. It ends when its
input does.
"""

import contextlib
import json
import os
import resource
import signal
import struct
import sys
import time
from typing import Any, BinaryIO

import numpy as np

from device.child_processes import limit_memory
from device.model.delegates import accelerator_named
from device.model.interpreters.litert import litert_interpreter
from device.text import one_line

MOST_BYTES = 400 << 20  # of address space, beside what Python, numpy and LiteRT take
PROCESSOR_S = 3
DONE, FAILED = b"O", b"E"  # how an answer begins


def main() -> None:
    facts = json.loads(sys.argv[1])
    requests, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nothing:  # what native code prints is no answer
        os.dup2(nothing.fileno(), 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _answer(answers, DONE, b"")
    try:
        serve(facts, requests, answers)
    except Exception as error:  # all that Python can say is an answer; the rest is a signal
        _answer(answers, FAILED, one_line(error).encode())


def serve(facts: dict[str, Any], requests: BinaryIO, answers: BinaryIO) -> None:
    """Load, infer once on zeros and say so; then answer each input with the output, until there are no more."""
    (shape, dtype), threads = facts["input"], facts["threads"]
    image, data = np.zeros(shape, dtype), requests.read(facts["bytes"])
    limit_memory(MOST_BYTES)
    _limit_time(threads)
    accelerator = accelerator_named(facts["delegate"]) if facts["delegate"] else None
    interpreter = litert_interpreter(data, threads, accelerator)
    _infer(interpreter, image, facts)
    _answer(answers, DONE, b"")
    while len(request := requests.read(image.nbytes)) == image.nbytes:
        _limit_time(threads)
        image = np.frombuffer(request, dtype).reshape(shape)
        _answer(answers, DONE, _infer(interpreter, image, facts).tobytes())


def _infer(interpreter: Any, image: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    scores = np.asarray(interpreter.get_tensor(facts["answer"]))
    if [list(scores.shape), str(scores.dtype)] != facts["output"]:
        raise ValueError(f"its output is {list(scores.shape)} {scores.dtype}, declared is {facts['output']}")
    return scores


def _limit_time(threads: int) -> None:
    """Let the process die of SIGXCPU in ``PROCESSOR_S`` more seconds a thread."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(time.process_time()) + 1 + PROCESSOR_S * threads
    with contextlib.suppress(ValueError):  # the shell's own limit is lower
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _answer(answers: BinaryIO, status: bytes, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        answers.write(status + struct.pack("<Q", len(content)) + content)
        answers.flush()


if __name__ == "__main__":
    main()
