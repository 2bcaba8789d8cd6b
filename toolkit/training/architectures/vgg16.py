"""VGG16 (arXiv 1409.1556) from keras.applications: thirteen plain 3x3 convolutions.

14.7 million parameters and 2,819 million multiply-accumulates in seven classes. Its weights want the channels blue,
green, red less ImageNet's means (Caffe's way); three equal channels have no order, only their means have.
"""

import keras

from toolkit.training.architectures.transfer import Backbone

BACKBONE = Backbone(
    keras.applications.VGG16,
    means=(103.939, 116.779, 123.68),
    deviations=(1.0, 1.0, 1.0),
    weights_url="https://storage.googleapis.com/tensorflow/keras-applications/"
    "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
)


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return BACKBONE.build("vgg16", class_count)
