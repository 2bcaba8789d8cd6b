"""The accurate model that ships: ``face_mobilenet`` with three quarters to three eighths of its channels.

818,000 parameters and 81 million multiply-accumulates in seven classes. Made to start from a trained
``face_mobilenet`` (``--init``), whose channels are then pruned (``toolkit.training.pruning``). The early layers, where
the picture is large, keep most of theirs: they are few and cost little to store; the last lose most, with most of the
parameters. 288 and 384 are multiples of 16 and 32, in which int8 kernels work.
"""

import keras

from toolkit.training.architectures.face_mobilenet import SIDE, build_mobilenet

WIDTHS = (24, 48, 80, 80, 160, 160, 288, 288, 288, 288, 288, 288, 384, 384)
DROPOUT = 0.2


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_mobilenet("face-compact", SIDE, WIDTHS, DROPOUT, class_count)
