"""A graph that was not checked in full is run by a child process with limits, for as long as it is used.

It never enters the process that holds the camera and the outputs: an operator that reads where a pixel points
may go well at the first picture and crash at the hundredth. So surviving a trial proves nothing, and the child
that loads the model also makes every inference. A crash, or more memory or time than it may take, ends the child
only, and becomes an EdgeError here. An answer costs a round trip through two pipes, some 0.1 ms.
"""

import contextlib
import json
import os
import select
import struct
import subprocess
import time
import weakref
from pathlib import Path

import numpy as np

from device.child_processes import child_environment, fate_of, python_module
from device.errors import EdgeError
from device.model.delegates.accelerator import Accelerator
from device.model.file.tflite_file import TfliteFile
from device.model.interpreters.confined_process import FAILED
from device.text import printable

# By the clock; the child's own limits count its processor time. START_S: Python and its imports, before the model.
START_S, LOAD_S, INFERENCE_S = 20.0, 4.0, 3.0
DELEGATE_LOAD_S = 20.0  # an accelerator may get its firmware first
MOST_MESSAGE = 200
ENDING_S = 2.0  # for a child to end by itself, on a busy board too; then it is killed


class ConfinedInterpreter:
    """LiteRT in a child process; ``reason`` is why, or ``accelerator``, whose delegate runs the model."""

    def __init__(
        self,
        path: Path,
        data: bytes,
        file: TfliteFile,
        threads: int,
        reason: str,
        accelerator: Accelerator | None = None,
    ) -> None:
        self.path, self.reason, self.threads, self.accelerator = path, reason, threads, accelerator
        image, scores = (file.tensors[index] for index in (file.inputs[0], file.outputs[0]))
        self._shape, self._dtype = scores.shape, np.dtype(scores.dtype)
        facts = {
            "bytes": len(data),
            "threads": threads,
            "delegate": accelerator.name if accelerator else None,
            "input": [image.shape, image.dtype],
            "answer": file.outputs[0],
            "output": [scores.shape, scores.dtype],
        }
        self._ended = ""  # how, once it has
        self._child = _start(json.dumps(facts))
        weakref.finalize(self, _end, self._child)
        self._exchange(b"", START_S)
        self._exchange(data, DELEGATE_LOAD_S if accelerator else LOAD_S)

    def run(self, tensor: np.ndarray) -> np.ndarray:
        answer = self._exchange(np.ascontiguousarray(tensor).tobytes(), INFERENCE_S)
        return np.frombuffer(answer, self._dtype).reshape(self._shape)

    def _exchange(self, request: bytes, seconds: float) -> bytes:
        """Send ``request`` and return the answer; EdgeError where none comes within ``seconds``."""
        assert self._child.stdin is not None
        if self._ended:
            raise self._refusal(self._ended)
        until = time.monotonic() + seconds
        try:
            self._child.stdin.write(request)
            status = self._read(1, until)
            answer = self._read(struct.unpack("<Q", self._read(8, until))[0], until)
        except (EOFError, BrokenPipeError):
            self._ended = fate_of(_end(self._child))
            raise self._refusal(self._ended) from None
        except TimeoutError:
            self._child.kill()  # it hangs, and would not hear that its input ends
            _end(self._child)
            self._ended = f"it gave no answer within {seconds:g} s"
            raise self._refusal(self._ended) from None
        if status == FAILED:
            raise self._refusal(f"it failed: {printable(answer.decode('utf-8', 'replace'), MOST_MESSAGE)}")
        return answer

    def _read(self, count: int, until: float) -> bytes:
        assert self._child.stdout is not None
        chunks: list[bytes] = []
        while count:
            left_s = until - time.monotonic()
            if left_s <= 0 or not select.select([self._child.stdout], [], [], left_s)[0]:
                raise TimeoutError
            chunks.append(os.read(self._child.stdout.fileno(), min(count, 1 << 20)))
            if not chunks[-1]:
                raise EOFError
            count -= len(chunks[-1])
        return b"".join(chunks)

    def _refusal(self, fate: str) -> EdgeError:
        if self.accelerator is not None:
            return EdgeError(
                f"the {self.accelerator.title}'s delegate cannot run {self.path}: {fate.removeprefix('it failed: ')}"
            )
        return EdgeError(
            f"{self.path} is no graph that can be checked ({self.reason}), and in a process of its own {fate}; "
            "pass a classifier that 'toolkit quantize' wrote"
        )


def _start(facts: str) -> subprocess.Popen[bytes]:
    command = python_module("device.model.interpreters.confined_process", facts)
    try:
        return subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            process_group=0,  # Ctrl-C is for the run, which ends the child itself
        )
    except OSError as error:
        raise EdgeError(f"cannot start a process for an unchecked model: {error.strerror}") from error


def _end(child: subprocess.Popen[bytes]) -> int:
    """End the child, if it has not ended, and return its exit status."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        return child.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
