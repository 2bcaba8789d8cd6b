"""EfficientNetV2-B0 (arXiv 2104.00298) from keras.applications: fused and depthwise bottlenecks with attention.

5.9 million parameters and 133 million multiply-accumulates in seven classes. Its weights want ImageNet's means and
deviations taken out; what keras.applications has in its graph for that stands in ours, by a fixed name.
"""

import functools

import keras

from toolkit.training.architectures.transfer import Backbone

BACKBONE = Backbone(
    functools.partial(keras.applications.EfficientNetV2B0, include_preprocessing=False),
    means=(255 * 0.485, 255 * 0.456, 255 * 0.406),
    deviations=(255 * 0.229, 255 * 0.224, 255 * 0.225),
    weights_url="https://storage.googleapis.com/tensorflow/keras-applications/"
    "efficientnet_v2/efficientnetv2-b0_notop.h5",
)


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return BACKBONE.build("efficientnetv2b0", class_count)
