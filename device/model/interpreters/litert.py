"""LiteRT in this process."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.model.delegates.accelerator import Accelerator, load_delegate
from device.quiet import silenced
from device.text import one_line


class LocalInterpreter:
    """LiteRT in this process. ``output``: the number of the tensor that is the answer; None: the first output."""

    def __init__(self, path: Path, data: bytes, threads: int, output: int | None = None) -> None:
        self.path = path
        try:
            with silenced(2):  # 'Created TensorFlow Lite XNNPACK delegate for CPU.'
                self._interpreter = litert_interpreter(data, threads)
        except (ValueError, RuntimeError, MemoryError) as error:
            raise EdgeError(f"the interpreter refuses {path}: {one_line(error)}") from error
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"] if output is None else output

    def run(self, tensor: np.ndarray) -> np.ndarray:
        try:
            self._interpreter.set_tensor(self._input, tensor)
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(self._output))
        except (ValueError, RuntimeError, MemoryError) as error:
            raise EdgeError(
                f"the interpreter fails on {self.path}: {one_line(error)}; quantize it again"
            ) from error


def litert_interpreter(data: bytes, threads: int, accelerator: Accelerator | None = None) -> Any:
    """Return LiteRT's interpreter of ``data``, its tensors allocated; with ``accelerator``, by its delegate."""
    try:
        from ai_edge_litert import interpreter as litert
    except ModuleNotFoundError as error:
        raise EdgeError("no TFLite runtime is installed; pip install ai-edge-litert") from error
    delegates = [load_delegate(accelerator, litert)] if accelerator else None
    make = functools.partial(
        litert.Interpreter, model_content=data, num_threads=threads, experimental_delegates=delegates
    )
    return allocated(make, litert.OpResolverType)


def allocated(make: Callable[..., Any], kernels: Any) -> Any:
    """Return the interpreter that ``make`` gives, its tensors allocated.

    kernels: the runtime's OpResolverType. XNNPACK, its faster kernels, fails on some graphs that the others run.
    """
    interpreter = make()
    try:
        interpreter.allocate_tensors()
    except RuntimeError as error:
        if "XNNPACK" not in str(error):
            raise
        interpreter = make(experimental_op_resolver_type=kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        interpreter.allocate_tensors()
    return interpreter
