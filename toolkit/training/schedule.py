"""The learning rate over a training."""

import math


def one_cycle(progress: float, peak: float, warmup_share: float) -> float:
    """Return the learning rate at ``progress`` (0.0 to 1.0): linear up to ``peak``, then a cosine down to zero.

    One-cycle without the momentum cycle (arXiv 1708.07120); the first steps start at 4 % of the peak.
    """
    if progress < warmup_share:
        return peak * (0.04 + 0.96 * progress / warmup_share)
    share = (progress - warmup_share) / (1 - warmup_share)
    return peak * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
