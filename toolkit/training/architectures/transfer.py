"""Transfer learning: networks of keras.applications under our input and classifier, and their published weights.

The faces enter as everywhere, (48, 48, 1) gray 0..255; enlarging, the step to three channels and the family's own
preprocessing are in the graph. They are enlarged to 96x96: these networks halve the picture five times, so that 48
pixels end as 1x1 or 2x2 positions and 96 as 3x3; the 224 pixels of ImageNet cost 5.4 times more and show nothing
that a face of 48 pixels has. Twice the size is also the factor at which bilinear enlarging weighs by quarters.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from device.errors import EdgeError
from device.text import one_line
from toolkit.models.opening.file_kind import HDF5_START
from toolkit.models.opening.hdf5_copy import copy_hdf5
from toolkit.outputs import temporary_folder
from toolkit.training.architectures import IMAGENET
from toolkit.training.architectures.classifier import classifier
from toolkit.training.architectures.downloading import LONGEST_REASON, download

SIDE = 96
DROPOUT = 0.2


@dataclass(frozen=True)
class Backbone:
    """A function of keras.applications and what its weights were trained on.

    A channel enters as (pixel - mean) / deviation, pixels 0..255, in the channel order of the weights.
    """

    application: Callable[..., keras.Model]
    means: tuple[float, float, float]
    deviations: tuple[float, float, float]
    weights_url: str

    def prepare(self, image: keras.KerasTensor) -> keras.KerasTensor:
        """Return what the weights were trained on: (N, 96, 96, 3) from (N, 48, 48, 1) gray 0..255."""
        x = layers.Resizing(SIDE, SIDE, interpolation="bilinear", name="enlarge")(image)
        x = layers.Concatenate(name="three_channels")([x, x, x])
        variances = [deviation**2 for deviation in self.deviations]
        return layers.Normalization(mean=list(self.means), variance=variances, name="normalize")(x)


PUBLISHED_AT = "https://storage.googleapis.com/tensorflow/keras-applications"
# Parameters and multiply-accumulates are those of seven classes.
BACKBONES = {
    # arXiv 1409.1556: thirteen plain 3x3 convolutions, 14.7 million parameters and 2,819 million multiply-accumulates.
    # Its weights want the channels blue, green, red less ImageNet's means (Caffe's way); three equal channels have no
    # order, only their means have.
    "vgg16": Backbone(
        keras.applications.VGG16,
        means=(103.939, 116.779, 123.68),
        deviations=(1.0, 1.0, 1.0),
        weights_url=f"{PUBLISHED_AT}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    # arXiv 1603.05027: residual bottlenecks, normalised before each convolution, 23.6 million parameters and 639
    # million multiply-accumulates. Its weights want pixels of -1 to 1.
    "resnet50v2": Backbone(
        keras.applications.ResNet50V2,
        means=(127.5, 127.5, 127.5),
        deviations=(127.5, 127.5, 127.5),
        weights_url=f"{PUBLISHED_AT}/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    # arXiv 2104.00298: fused and depthwise bottlenecks with attention, 5.9 million parameters and 133 million
    # multiply-accumulates. Its weights want ImageNet's means and deviations taken out; what keras.applications has in
    # its graph for that stands in ours, by a fixed name.
    "efficientnetv2b0": Backbone(
        functools.partial(keras.applications.EfficientNetV2B0, include_preprocessing=False),
        means=(255 * 0.485, 255 * 0.456, 255 * 0.406),
        deviations=(255 * 0.229, 255 * 0.224, 255 * 0.225),
        weights_url=f"{PUBLISHED_AT}/efficientnet_v2/efficientnetv2-b0_notop.h5",
    ),
}


def build(name: str, class_count: int) -> keras.Model:
    """Return the whole network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
    backbone = BACKBONES[name]
    image = keras.Input((48, 48, 1), name="image")
    x = backbone.application(include_top=False, weights=None, input_tensor=backbone.prepare(image)).output
    return classifier(image, x, DROPOUT, class_count, name)


def load(name: str, weights: str) -> keras.Model:
    """Return the network of keras.applications with its published weights, without classifier.

    ``weights`` is ``imagenet``, downloaded once to ~/.keras/models and checked by keras.applications, or an HDF5
    file as published there. EdgeError for a download that fails and for a file that does not fit.
    """
    backbone = BACKBONES[name]
    if weights != IMAGENET:
        return _read(backbone, Path(weights))
    return download(
        f"the ImageNet weights of {name}",
        backbone.weights_url,
        lambda: backbone.application(include_top=False, weights="imagenet"),
    )


def _read(backbone: Backbone, path: Path) -> keras.Model:
    expected = f"expected the HDF5 file of {backbone.weights_url}"
    if not path.is_file():
        raise EdgeError(f"no weights file at {path}; {expected}, or 'imagenet' or 'none'")
    with open(path, "rb") as handle:
        start = handle.read(len(HDF5_START))
    if start != HDF5_START or path.suffix != ".h5":
        raise EdgeError(
            f"{path} is no weights file: it is called {path.name} and starts with {start!r}; {expected}"
        )
    model = backbone.application(include_top=False, weights=None)
    with temporary_folder() as folder:
        copy = folder / path.name  # Keras knows the kind by the name
        try:
            copy_hdf5(path, copy, path.name)
            model.load_weights(copy)
        except Exception as error:  # Keras and h5py raise ValueError, KeyError, OSError and others
            raise EdgeError(
                f"{path} does not fit {model.name} ({one_line(error, LONGEST_REASON)}); {expected}"
            ) from error
    return model
