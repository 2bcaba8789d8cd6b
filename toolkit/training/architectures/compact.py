"""The model that the device carries: a plain chain of 3x3 convolutions.

853,000 parameters and 33 million multiply-accumulates in seven classes. Nothing else quantizes, folds and vectorises
as well on small ARM cores: no branch has to be kept in memory, no depthwise layer starves the dot-product units.
Widths are multiples of 16, because int8 kernels work in tiles: a first stage of 24 cost a tenth of int8's gain.
The last stage sees 3x3 pixels, where half the parameters cost an eighth of the work.
"""

import keras

from toolkit.training.architectures.chain import build_chain

STAGES = ((32, 2), (64, 3), (112, 3), (176, 2))
DROPOUT = 0.2


def build(class_count: int) -> keras.Model:
    """Return the untrained chain: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_chain("compact", STAGES, DROPOUT, class_count)
