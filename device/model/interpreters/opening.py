"""Which interpreter runs a model: in this process for a graph that was checked in full, else in one of its own; with a
delegate always so.
"""

from functools import partial
from pathlib import Path

from device.errors import EdgeError
from device.model.checks.graph import unfamiliar
from device.model.delegates import DELEGATES, accelerator_named
from device.model.file.tflite_file import TfliteFile
from device.model.interpreters.delegated import DelegatedInterpreter
from device.model.interpreters.interpreter import Interpreter
from device.model.interpreters.litert import LocalInterpreter


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
        return LocalInterpreter(path, data, threads, file.outputs[0]), None
    # Its import costs a start 5 ms that few need.
    from device.model.interpreters.confinement import ConfinedInterpreter

    if accelerator is None:
        assert reason is not None
        return ConfinedInterpreter(path, data, file, threads, reason), reason
    with_delegate = partial(ConfinedInterpreter, path, data, file, threads, "", accelerator)
    without = partial(LocalInterpreter, path, data, threads, file.outputs[0]) if reason is None else None
    return DelegatedInterpreter(with_delegate, without), f"the {accelerator.title}'s delegate runs it"


def _refuse_compiled(file: TfliteFile, name: str) -> None:
    """Raise EdgeError if ``file``, called ``name``, was compiled for an accelerator: the processor cannot run it."""
    names = {operator.name for operator in file.operators}
    for one in DELEGATES.values():
        if f"CUSTOM {one.custom_operator}" in names:
            raise EdgeError(
                f"{name} is compiled for the {one.title}, and no delegate is asked for; pass `delegate` {one.name}, "
                "or the model from before it was compiled"
            )
