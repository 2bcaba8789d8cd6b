"""``face_compact`` on a face enlarged to 192x192: a teacher as small as its student.

The same 818,000 parameters, 144 million multiply-accumulates in seven classes. Made to start from a trained
``face_compact`` (``--init``), whose weights it takes as they are, and ``face_compact`` takes them back.
"""

import keras

from toolkit.training.architectures.face_compact import WIDTHS
from toolkit.training.architectures.face_mobilenet import DROPOUT, build_mobilenet
from toolkit.training.architectures.face_mobilenet_192 import SIDE


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_mobilenet("face-compact-192", SIDE, WIDTHS, DROPOUT, class_count)
