"""LiteRT's own kernels, one operator after the other, whose every tensor can be looked at."""

import warnings
from typing import Any

from device.quiet import silenced


def reference_interpreter(tflite: bytes, keep_all: bool = False) -> Any:
    """Return LiteRT's interpreter of a .tflite without XNNPACK, which joins operators; its tensors are allocated.

    ``keep_all`` keeps what every operator writes until the next face: that takes memory.

    >>> interpreter = reference_interpreter(path.read_bytes(), keep_all=True)
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with silenced(2), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that keeping all tensors takes memory
        interpreter = Interpreter(
            model_content=tflite,
            experimental_preserve_all_tensors=keep_all,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    return interpreter
