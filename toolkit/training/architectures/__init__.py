"""Architectures by name: one file a family; each builds a Keras model from ``(48, 48, 1)`` gray 0..255 to logits.

An architecture is a name of ``ARCHITECTURES``, a name that an installed package brings by an entry point of the group
``fer_edge.architectures``, or a network of the user's own, a Python or ``.keras`` file (``own.py``).
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from device.errors import EdgeError
from device.plugins import ARCHITECTURES as PLUGINS
from device.plugins import load_plugin, plugin_names
from toolkit.training.architectures.own_files import is_own

if TYPE_CHECKING:
    import keras


# Names of published weights: of keras.applications, and of face recognition networks.
IMAGENET, FACES = "imagenet", "faces"


@dataclass(frozen=True)
class Architecture:
    """A family member: its name, its family's module, what it is in a line, and the published weights that it is made
    to start from, if any.

    The family makes it by ``build(name, class_count)``; by ``load(name, weights)`` it loads published weights.
    """

    name: str
    module: str
    summary: str
    pretrained: str = ""

    @property
    def family(self) -> ModuleType:
        return importlib.import_module(f"{__name__}.{self.module}")

    def build(self, class_count: int) -> "keras.Model":
        """Return an untrained model: (N, 48, 48, 1) gray 0..255 in, (N, class_count) float32 logits out."""
        model: keras.Model = self.family.build(self.name, class_count)
        return model


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("compact", "chain", "plain 3x3 chain 32/64/112/176, the model that the device carries"),
        Architecture("small", "chain", "the same chain 16/48/112/208, the fast model that ships"),
        Architecture(
            "face-compact",
            "face_mobilenet",
            "face-mobilenet with fewer channels, the accurate model that ships",
        ),
        Architecture(
            "face-fast",
            "face_mobilenet",
            "face-compact on a face that is not enlarged, two fifths of its time",
        ),
        Architecture("wide", "chain", "the same chain 48/96/192/256, its teacher"),
        Architecture("fully-connected", "fully_connected", "two dense layers, a floor"),
        Architecture(
            "plain-cnn", "plain_cnn", "three convolutions and a wide dense layer, the tutorials' CNN"
        ),
        Architecture(
            "mini-xception", "mini_xception", "residual separable blocks, the fer package's network"
        ),
        Architecture("separable", "separable", "depthwise separable convolutions like MobileNet's"),
        Architecture(
            "face-resnet", "face_resnet", "dlib's face recognition network, 4.4M parameters", pretrained=FACES
        ),
        Architecture(
            "face-mobilenet",
            "face_mobilenet",
            "MobileNet that learnt to recognise people, 3.2M parameters",
            pretrained=FACES,
        ),
        Architecture("face-mobilenet-192", "face_mobilenet", "face-mobilenet on a larger picture, a teacher"),
        Architecture(
            "face-compact-192", "face_mobilenet", "face-compact on a larger picture, the teacher that ships"
        ),
        Architecture(
            "vgg16", "transfer", "thirteen plain convolutions, 14.7M parameters", pretrained=IMAGENET
        ),
        Architecture("resnet50v2", "transfer", "residual bottlenecks, 23.6M parameters", pretrained=IMAGENET),
        Architecture(
            "efficientnetv2b0",
            "transfer",
            "fused and depthwise bottlenecks, 5.9M parameters",
            pretrained=IMAGENET,
        ),
    )
}


def build_network(name: str, class_count: int) -> "keras.Model":
    """Return the untrained network of any architecture; EdgeError naming all of them if there is none.

    A name of ARCHITECTURES or of an installed package's entry point, ``FILE.py[:build]``, or a ``.keras`` file.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name].build(class_count)
    from toolkit.training.architectures import own

    if is_own(name):
        return own.build(name, class_count)
    if name in plugin_names(PLUGINS):
        return own.checked(load_plugin(PLUGINS, name)(class_count), name, class_count)
    raise EdgeError(f"arch {no_architecture(name)}")


def no_architecture(name: str) -> str:
    """Return what to say of an ``arch`` that is not there."""
    there = ", ".join((*ARCHITECTURES, *plugin_names(PLUGINS)))
    return f"is '{name}', no architecture; there are: {there}; or a file of your own: FILE.py[:build], or a .keras"


def is_known(name: str) -> bool:
    """Return whether ``name`` may be an architecture, without reading a file of the user's."""
    return is_own(name) or name in ARCHITECTURES or name in plugin_names(PLUGINS)


def short_name(name: str) -> str:
    """Return an architecture's name as a folder's: that of the registry, or the stem of a file."""
    return name if name in ARCHITECTURES else Path(name.split(":")[0]).stem


def pretrained_of(name: str) -> str:
    """Return the name of the published weights that an architecture is made to start from, or ''."""
    return ARCHITECTURES[name].pretrained if name in ARCHITECTURES else ""


def load_pretrained(name: str, weights: str) -> "keras.Model":
    """Return the architecture called ``name`` with published weights: downloaded once by their name, or a file.

    EdgeError if it has none, for a download that fails, and for a file that does not fit.
    """
    if not pretrained_of(name):
        starters = [other.name for other in ARCHITECTURES.values() if other.pretrained]
        raise EdgeError(
            f"{name} has no published weights; expected one of {', '.join(starters)}; leave "
            "out `weights`, or give a trained .keras to `init`"
        )
    model: keras.Model = ARCHITECTURES[name].family.load(name, weights)
    return model
