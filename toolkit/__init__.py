"""fer-edge on the host: train, quantize, prove and compare compact facial-expression models.

>>> from toolkit import train, quantize, evaluate, report
>>> trained = train("faces", "runs/one", epochs=20)
>>> int8 = quantize(trained.model, data="faces")
>>> results = evaluate([trained.model, int8.path], "faces", out="evaluation.json")
>>> page = report(["evaluation.json"], "report.html")

The names are imported when they are first used, so that importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.api import compare, evaluate, quantize, report, train

__all__ = ["compare", "evaluate", "quantize", "report", "train"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
    if name == "quantize":
        from toolkit.quiet_tensorflow import import_quietly

        import_quietly()
    return getattr(importlib.import_module("toolkit.api"), name)
