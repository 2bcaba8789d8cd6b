"""The one place where LiteRT is opened: in this process for a graph that was checked in full, else in one of its
own.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from device.errors import EdgeError
from device.model.graph_checks import unfamiliar
from device.model.tflite_file import TfliteFile
from device.quiet import silenced


class Interpreter(Protocol):
    """Runs a classifier."""

    def run(self, tensor: np.ndarray) -> np.ndarray:
        """Return the stored outputs ``(1, C)`` for one input tensor ``(1, h, w, c)``, both as the file says."""
        ...


class LocalInterpreter:
    """LiteRT in this process."""

    def __init__(self, path: Path, data: bytes, threads: int) -> None:
        self.path = path
        try:
            with silenced(2):  # 'Created TensorFlow Lite XNNPACK delegate for CPU.'
                self._interpreter = litert_interpreter(data, threads)
        except (ValueError, RuntimeError, MemoryError) as error:
            raise EdgeError(f"the interpreter refuses {path}: {' '.join(str(error).split())}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def run(self, tensor: np.ndarray) -> np.ndarray:
        try:
            self._interpreter.set_tensor(self._input, tensor)
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(self._output))
        except (ValueError, RuntimeError, MemoryError) as error:
            raise EdgeError(
                f"the interpreter fails on {self.path}: {' '.join(str(error).split())}; quantize it again"
            ) from error


def open_interpreter(
    path: Path, data: bytes, file: TfliteFile, threads: int
) -> tuple[Interpreter, str | None]:
    """Return what runs the model in ``data``, read as ``file``, and why that is a process of its own (None: it is
    this one).

    Raises EdgeError where LiteRT refuses it, and where an unchecked graph crashes, hangs or takes too much memory.
    """
    reason = unfamiliar(file)
    if reason is None:
        return LocalInterpreter(path, data, threads), None
    from device.model.confinement import ConfinedInterpreter  # the import costs a start 5 ms that few need

    image, scores = file.tensors[file.inputs[0]], file.tensors[file.outputs[0]]
    return ConfinedInterpreter(path, data, (image, scores), threads, reason), reason


def litert_interpreter(data: bytes, threads: int) -> Any:
    """Return LiteRT's interpreter of ``data``, its tensors allocated."""
    try:
        from ai_edge_litert.interpreter import Interpreter as LiteRt
    except ModuleNotFoundError:
        try:
            from tflite_runtime.interpreter import Interpreter as LiteRt
        except ModuleNotFoundError as error:
            raise EdgeError("no TFLite runtime is installed; pip install ai-edge-litert") from error
    interpreter = LiteRt(model_content=data, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter
