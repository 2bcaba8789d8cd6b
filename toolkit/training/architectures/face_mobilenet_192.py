"""``face_mobilenet`` on a face enlarged to 192x192, nearer to the 224 pixels that its published weights have seen.

The same 3.2 million parameters, 412 million multiply-accumulates in seven classes: a teacher. Made to start
from a trained ``face_mobilenet`` (``--init``), whose weights it takes as they are.
"""

import keras

from toolkit.training.architectures.face_mobilenet import DROPOUT, WIDTHS, build_mobilenet

SIDE = 192


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_mobilenet("face-mobilenet-192", SIDE, WIDTHS, DROPOUT, class_count)
