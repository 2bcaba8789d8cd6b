"""Accelerators that run a model through LiteRT's delegates, one file each; this table names them."""

from device.errors import UsageError
from device.model.delegates.accelerator import Accelerator
from device.model.delegates.edgetpu import EDGETPU

DELEGATES = {one.name: one for one in (EDGETPU,)}


def accelerator_named(name: str) -> Accelerator:
    """Return the accelerator of ``--delegate name``; UsageError for one that there is not."""
    if name not in DELEGATES:
        raise UsageError(f"no delegate is called {name!r}; expected one of {', '.join(DELEGATES)}")
    return DELEGATES[name]
