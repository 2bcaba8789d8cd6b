"""A model run by an accelerator's delegate: native code of others, so in a process of its own."""

import logging
from collections.abc import Callable

import numpy as np

from device.errors import EdgeError
from device.model.interpreters.interpreter import Interpreter

log = logging.getLogger(__name__)


class DelegatedInterpreter:
    """Opens the delegate anew when it dies; where it does not come back, the processor goes on if it can.

    ``open_delegate`` opens the interpreter with the delegate. ``open_fallback`` opens the one of the processor; None
    for a compiled file, which only the accelerator runs.
    """

    def __init__(
        self, open_delegate: Callable[[], Interpreter], open_fallback: Callable[[], Interpreter] | None
    ) -> None:
        self._open_delegate, self._open_fallback = open_delegate, open_fallback
        self._interpreter = open_delegate()

    def run(self, tensor: np.ndarray) -> np.ndarray:
        try:
            return self._interpreter.run(tensor)
        except EdgeError as error:
            log.warning("%s; opening it again", error.parts[0])
        try:
            self._interpreter = self._open_delegate()
            return self._interpreter.run(tensor)
        except EdgeError as error:
            if self._open_fallback is None:
                raise
            log.warning("%s; the processor goes on alone", error.parts[0])
            self._interpreter, self._open_delegate = self._open_fallback(), self._open_fallback
            return self._interpreter.run(tensor)
