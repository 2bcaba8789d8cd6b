"""Faces put together from two: more of them than there are, for teachers to answer about.

A network that learns from a teacher's answers learns the more, the more faces it is asked about, and they need not be
anybody's (Beyer et al., arXiv 2106.05237, mix them in pairs). Here one face is laid over another, or its upper, lower,
left or right part is joined to the rest of the other along a soft edge: eyes of one person over the mouth of another.
"""

import numpy as np

from toolkit.data.dataset import FACE_SIZE

LEFT_AS_THEY_ARE = 0.35  # share of the faces
LAID_OVER = 0.3
LEAST_SHARE = 0.25
EDGE = (14, 34)  # pixels from the top or the left
SOFTNESS = (3, 10)
ACROSS = 0.75  # share of the edges that part the upper from the lower half


def recombination(rng: np.random.Generator) -> np.ndarray | None:
    """Return the share of the first of two faces in each pixel, (48, 48) float32, or None for the first as it is.

    >>> mask = recombination(np.random.default_rng(0))
    """
    kind = rng.random()
    if kind < LEFT_AS_THEY_ARE:
        return None
    if kind < LEFT_AS_THEY_ARE + LAID_OVER:
        return np.full((FACE_SIZE, FACE_SIZE), rng.uniform(LEAST_SHARE, 1.0), np.float32)
    edge, softness = rng.uniform(*EDGE), rng.uniform(*SOFTNESS)
    ramp = np.clip((edge - np.arange(FACE_SIZE, dtype=np.float32)) / softness + 0.5, 0, 1)
    if rng.random() < 0.5:
        ramp = 1 - ramp
    ramp = ramp[:, None] if rng.random() < ACROSS else ramp[None]
    return np.broadcast_to(ramp, (FACE_SIZE, FACE_SIZE)).astype(np.float32)
