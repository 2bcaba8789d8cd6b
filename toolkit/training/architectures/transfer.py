"""Transfer learning: a network of keras.applications under our input and classifier, and its published weights.

The faces enter as everywhere, (48, 48, 1) gray 0..255; enlarging, the step to three channels and the family's own
preprocessing are in the graph. They are enlarged to 96x96: these networks halve the picture five times, so that 48
pixels end as 1x1 or 2x2 positions and 96 as 3x3; the 224 pixels of ImageNet cost 5.4 times more and show nothing
that a face of 48 pixels has. Twice the size is also the factor at which bilinear enlarging weighs by quarters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers

from device.errors import EdgeError
from device.files import temporary_folder
from device.text import one_line
from toolkit.models.opening.file_kind import HDF5_START
from toolkit.models.opening.hdf5_copy import copy_hdf5
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

    def build(self, name: str, class_count: int) -> keras.Model:
        """Return the whole network with random weights: (N, 48, 48, 1) gray 0..255 in, (N, class_count) logits out."""
        image = keras.Input((48, 48, 1), name="image")
        x = self.application(include_top=False, weights=None, input_tensor=self.prepare(image)).output
        return classifier(image, x, DROPOUT, class_count, name)

    def prepare(self, image: keras.KerasTensor) -> keras.KerasTensor:
        """Return what the weights were trained on: (N, 96, 96, 3) from (N, 48, 48, 1) gray 0..255."""
        x = layers.Resizing(SIDE, SIDE, interpolation="bilinear", name="enlarge")(image)
        x = layers.Concatenate(name="three_channels")([x, x, x])
        variances = [deviation**2 for deviation in self.deviations]
        return layers.Normalization(mean=list(self.means), variance=variances, name="normalize")(x)

    def load(self, name: str, weights: str) -> keras.Model:
        """Return the network of keras.applications with its published weights, without classifier.

        ``weights`` is ``imagenet``, downloaded once to ~/.keras/models and checked by keras.applications, or an HDF5
        file as published there. EdgeError for a download that fails and for a file that does not fit.
        """
        if weights != IMAGENET:
            return _read(self, Path(weights))
        return download(
            f"the ImageNet weights of {name}",
            self.weights_url,
            lambda: self.application(include_top=False, weights="imagenet"),
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
