"""Options under the names that they had before: accepted for a version, not shown by ``--help``."""

from collections.abc import Callable
from typing import Any

import click


def former_spelling(old: str, name: str, **kind: Any) -> Callable[..., Any]:
    """Return a hidden option ``old`` that sets the parameter ``name``, whose own option must be eager.

    >>> @click.command()
    ... @click.option("--io-dtype", is_eager=True)
    ... @former_spelling("--edges", "io_dtype")
    ... def quantize(io_dtype): ...
    """

    def take(context: click.Context, _option: click.Parameter, value: Any) -> None:
        if value is not None:
            context.params[name] = value

    return click.option(old, f"former_{name}", hidden=True, expose_value=False, callback=take, **kind)
