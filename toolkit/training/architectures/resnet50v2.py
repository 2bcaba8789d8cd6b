"""ResNet50V2 (arXiv 1603.05027) from keras.applications: residual bottlenecks, normalised before each convolution.

23.6 million parameters and 639 million multiply-accumulates in seven classes. Its weights want pixels of -1 to 1.
"""

import keras

from toolkit.training.architectures.transfer import Backbone

BACKBONE = Backbone(
    keras.applications.ResNet50V2,
    means=(127.5, 127.5, 127.5),
    deviations=(127.5, 127.5, 127.5),
    weights_url="https://storage.googleapis.com/tensorflow/keras-applications/"
    "resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
)


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return BACKBONE.build("resnet50v2", class_count)
