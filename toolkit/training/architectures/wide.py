"""The teacher of ``compact``: the same chain, wider.

2.1 million parameters and 93 million multiply-accumulates in seven classes: too dear for a small board, and there to
be learnt from (``toolkit train --arch compact --teacher wide.keras``).
"""

import keras

from toolkit.training.architectures.chain import build_chain

STAGES = ((48, 3), (96, 3), (192, 3), (256, 2))
DROPOUT = 0.3


def build(class_count: int) -> keras.Model:
    """Return the untrained chain: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_chain("wide", STAGES, DROPOUT, class_count)
