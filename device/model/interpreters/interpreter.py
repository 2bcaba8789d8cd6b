"""What every interpreter takes and gives."""

from typing import Protocol

import numpy as np


class Interpreter(Protocol):
    """Runs a classifier."""

    def run(self, tensor: np.ndarray) -> np.ndarray:
        """Return the stored outputs ``(1, C)`` for one input tensor ``(1, h, w, c)``, both as the file says."""
        ...
