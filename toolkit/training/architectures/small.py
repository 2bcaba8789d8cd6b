"""The fast model that ships: the plain chain with less work where the picture is large.

924,000 parameters and 22 million multiply-accumulates in seven classes, two thirds of ``compact``'s. The convolutions
taken away are those at 24x24 and 12x12 pixels, where few weights do much of the work.
"""

import keras

from toolkit.training.architectures.chain import build_chain

STAGES = ((16, 1), (48, 3), (112, 3), (208, 2))
DROPOUT = 0.2


def build(class_count: int) -> keras.Model:
    """Return the untrained chain: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_chain("small", STAGES, DROPOUT, class_count)
