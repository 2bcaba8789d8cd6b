"""dlib's face recognition network under our input: residual pairs of 3x3 convolutions.

4.4 million parameters and 134 million multiply-accumulates in seven classes: a teacher, not for a board. Its weights
come from telling three million faces apart, and so from many more people than FER2013 shows. The last of its blocks,
which leaves nothing but identity, is left out. Faces enter gray at 96x96; the weights' three channels are summed. After
D. King, blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html, who gave them to the public domain
(github.com/davisking/dlib-models).
"""

from collections.abc import Iterator

import keras
from keras import layers

from toolkit.training.architectures.chain import convolve
from toolkit.training.architectures.classifier import classifier
from toolkit.training.architectures.published_weights import Convolution, PublishedBackbone
from toolkit.training.architectures.weights_package import Arrays, WeightsPackage

SIDE = 96
DROPOUT = 0.3
FIRST = "conv32_down"
# name as in the weights, width; the blocks called _down halve the picture: 24, 12, 6, 3 pixels
BLOCKS = (
    *((f"conv32_{number}", 32) for number in (1, 2, 3)),
    *((f"conv64_{number}", 64) for number in ("down", 1, 2, 3)),
    *((f"conv128_{number}", 128) for number in ("down", 1, 2)),
    *((f"conv256_{number}", 256) for number in ("down", 1, 2)),
)
PACKAGE = WeightsPackage(
    package="@vladmandic/face-api@1.7.15",
    sha256="0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
    file_name="face-api-1.7.15.tgz",
    manifest="package/model/face_recognition_model-weights_manifest.json",
    weights="package/model/face_recognition_model.bin",
)


def build(name: str, class_count: int) -> keras.Model:
    """Return the network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    image = keras.Input((48, 48, 1), name="image")
    x = layers.Resizing(SIDE, SIDE, interpolation="bilinear", name="enlarge")(image)
    x = layers.Rescaling(1 / 255, offset=-0.45, name="rescale")(x)
    x = convolve(x, 32, 7, 2, FIRST)
    x = layers.ReLU(name=f"{FIRST}_relu")(x)
    x = layers.MaxPooling2D(3, 2, "same", name="max_pool")(x)
    for block, width in BLOCKS:
        x = _add_block(x, width, block)
    return classifier(image, x, DROPOUT, class_count, name)


def _add_block(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    """Two convolutions and a shortcut; where the picture is halved the shortcut is pooled and padded with zeros."""
    down = name.endswith("_down")
    y = convolve(x, width, 3, 2 if down else 1, f"{name}_1")
    y = layers.ReLU(name=f"{name}_1_relu")(y)
    y = convolve(y, width, 3, 1, f"{name}_2")
    if down:
        x = layers.AveragePooling2D(2, 2, "same", name=f"{name}_pool")(x)
        x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, width - x.shape[-1])))
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def published(arrays: Arrays) -> Iterator[Convolution]:
    """Yield every convolution of the published network that ours has, with the scale and offset that follow it."""
    names = [
        (FIRST, FIRST),
        *((f"{name}_{step}", f"{name}/conv{step}") for name, _ in BLOCKS for step in (1, 2)),
    ]
    for ours, theirs in names:
        kernel, scale = arrays[f"{theirs}/conv/filters"], arrays[f"{theirs}/scale/weights"]
        if ours == FIRST:  # gray is red, green and blue alike
            kernel = kernel.sum(axis=2, keepdims=True)
        yield Convolution(
            ours, kernel, scale, arrays[f"{theirs}/scale/biases"] + scale * arrays[f"{theirs}/conv/bias"]
        )


load = PublishedBackbone(build, PACKAGE, published).load
