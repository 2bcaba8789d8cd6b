"""The one place where LiteRT is opened: in this process for a graph that was checked in full, else in one of its
own; with a delegate always so.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import EdgeError
from device.model.delegated import DelegatedInterpreter, Interpreter
from device.model.delegates import DELEGATES, accelerator_named
from device.model.delegates.accelerator import Accelerator, load_delegate
from device.model.graph_checks import unfamiliar
from device.model.tflite_file import TfliteFile
from device.quiet import silenced


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
    path: Path, data: bytes, file: TfliteFile, threads: int, delegate: str | None = None
) -> tuple[Interpreter, str | None]:
    """Return what runs the model in ``data``, read as ``file``, and why that is a process of its own (None: it is
    this one).

    ``delegate``: the accelerator that runs it, by its name. Raises EdgeError where LiteRT refuses it, where an
    unchecked graph crashes, hangs or takes too much memory, where a compiled file has no delegate, and where the
    delegate cannot be loaded.
    """
    accelerator = accelerator_named(delegate) if delegate else None
    if accelerator is None:
        _refuse_compiled(file, str(path))
    reason = unfamiliar(file)
    if reason is None and accelerator is None:
        return LocalInterpreter(path, data, threads), None
    from device.model.confinement import ConfinedInterpreter  # the import costs a start 5 ms that few need

    image, scores = file.tensors[file.inputs[0]], file.tensors[file.outputs[0]]
    ends = image, scores
    if accelerator is None:
        assert reason is not None
        return ConfinedInterpreter(path, data, ends, threads, reason), reason
    with_delegate = partial(ConfinedInterpreter, path, data, ends, threads, "", accelerator)
    without = partial(LocalInterpreter, path, data, threads) if reason is None else None
    return DelegatedInterpreter(with_delegate, without), f"the {accelerator.title}'s delegate runs it"


def litert_interpreter(data: bytes, threads: int, accelerator: Accelerator | None = None) -> Any:
    """Return LiteRT's interpreter of ``data``, its tensors allocated; with ``accelerator``, by its delegate."""
    try:
        from ai_edge_litert import interpreter as litert
    except ModuleNotFoundError:
        try:
            from tflite_runtime import interpreter as litert
        except ModuleNotFoundError as error:
            raise EdgeError("no TFLite runtime is installed; pip install ai-edge-litert") from error
    delegates = [load_delegate(accelerator, litert)] if accelerator else None
    interpreter = litert.Interpreter(
        model_content=data, num_threads=threads, experimental_delegates=delegates
    )
    interpreter.allocate_tensors()
    return interpreter


def _refuse_compiled(file: TfliteFile, name: str) -> None:
    """Raise EdgeError if ``file``, called ``name``, was compiled for an accelerator: the processor cannot run it."""
    names = {operator.name for operator in file.operators}
    for one in DELEGATES.values():
        if f"CUSTOM {one.custom_operator}" in names:
            raise EdgeError(
                f"{name} is compiled for the {one.title}, and no delegate is asked for; pass `delegate` {one.name}, "
                "or the model from before it was compiled"
            )
