"""How both programs begin."""

import importlib
import sys


def run_program(module: str) -> None:
    """Import ``module`` and call its ``main``; Ctrl-C while it is still being imported ends it in one line, as later.

    >>> run_program("device.cli")
    """
    try:
        importlib.import_module(module).main()
    except KeyboardInterrupt:
        sys.exit("error: interrupted")
