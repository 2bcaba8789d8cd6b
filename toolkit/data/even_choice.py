"""Some of many, evenly chosen."""

import numpy as np


def even_rows(total: int, count: int) -> np.ndarray:
    """Return the positions, int64, of ``count`` of ``total`` rows, evenly spread over them, or of all if no more.

    >>> even_rows(9, 3)
    array([0, 4, 8])
    """
    rows: np.ndarray = np.linspace(0, total - 1, min(count, total)).astype(int)
    return rows
