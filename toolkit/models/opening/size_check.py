"""Whether a network may be built: its shapes are worked out without room for any weight, before it is built."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import EdgeError
from toolkit.models.opening.calls import Call, Shape, calls_of
from toolkit.models.opening.inner_work import elements, multiplications_within, shapes_within
from toolkit.models.opening.macs import layer_macs
from toolkit.quiet_tensorflow import reason_of

if TYPE_CHECKING:
    import keras

MOST_IMAGES = 128  # that a network is asked for at once
MOST_LAYERS = 2000  # NASNetLarge has 1,039
LARGEST_ACTIVATION = (
    1 << 25
)  # numbers that a layer puts out for one image; EfficientNetB7's largest has 11.5 million

# All layers together, which Keras holds until the last has answered: 512 MB. ResNet152 at 224 puts out half of it.
LARGEST_SUM = 1 << 27
# Of a sequence that a layer goes through one by one; pixels of 64x64 are as many.
MOST_STEPS = 4096
MOST_MACS = 100_000_000_000  # EfficientNetB7 takes 37 billion multiply-accumulates for one image


def refuse_large_network(path: Path, load: Callable[[], "keras.Model"]) -> None:
    """Raise EdgeError where the network that ``load`` would build is too large, or does not fit its weights.

    ``load`` runs in a scope in which Keras makes no variables, only their shapes, and compares those with the weights
    in the file; its result is dropped.
    """
    import keras
    from keras.src.backend.common import global_state  # no public way to forget what a scope left unmade

    try:
        with keras.StatelessScope(initialize_variables=False):
            refuse_large_activations(path, load())
    finally:
        global_state.set_global_attribute("uninitialized_variables", [])


def refuse_large_activations(path: Path, model: "keras.Model") -> None:
    """Raise EdgeError where a layer of ``model`` puts out, or all together compute, more for one image than any image
    classifier does, alone or in a batch of MOST_IMAGES."""
    for batch in (1, MOST_IMAGES):
        taken = _demand(path, model, batch)
        if taken.layers > MOST_LAYERS:
            raise EdgeError(f"{path} has {taken.layers:,} layers; expected at most {MOST_LAYERS:,}")
        if taken.largest > LARGEST_ACTIVATION:
            raise EdgeError(
                f"{path} has a layer that makes {taken.largest:,} numbers for one image, shape {taken.shape}; "
                f"expected at most {LARGEST_ACTIVATION:,}"
            )
        if taken.numbers > LARGEST_SUM:
            raise EdgeError(
                f"{path} has layers that make {taken.numbers:,} numbers together for one image; expected at most "
                f"{LARGEST_SUM:,}"
            )
        if taken.steps > MOST_STEPS:
            raise EdgeError(
                f"{path} goes through a sequence of {taken.steps:,} steps one by one; expected at most {MOST_STEPS:,}"
            )
        if taken.macs > MOST_MACS:
            raise EdgeError(
                f"{path} multiplies {taken.macs:,} times for one image; expected at most {MOST_MACS:,}"
            )


def numbers_for_one_image(path: Path, model: "keras.Model") -> int:
    """Return how many numbers all layers of ``model`` together put out for an image, alone or in a batch."""
    return max(_demand(path, model, batch).numbers for batch in (1, MOST_IMAGES))


@dataclass(frozen=True)
class _Demand:
    """What a network takes for one image of a batch.

    layers: how many tensors it puts out on its way; largest: numbers of the largest one, of ``shape``; numbers: those
    of all; steps: of the longest sequence; macs: multiplications.
    """

    layers: int
    largest: int
    shape: Shape
    numbers: int
    steps: int
    macs: int


def _demand(path: Path, model: "keras.Model", batch: int) -> _Demand:
    """Return what ``model`` takes for one image in a ``batch``: what grows by more than the images shows in a large
    one, what takes much for none of them in a batch of one."""
    try:
        calls = calls_of(model, batch)
    except Exception as error:  # Keras raises many kinds for shapes that do not fit each other
        raise EdgeError(f"{path} does not compute: {reason_of(error)}; save the network again") from error
    made = [
        (call.times * elements(shape), shape)
        for call in calls
        for shape in (*call.gives, *shapes_within(call))
    ]
    largest, shape = max(made, key=lambda one: one[0], default=(0, ()))
    return _Demand(
        sum(len(call.gives) for call in calls),
        -(-largest // batch),
        shape,
        -(-sum(numbers for numbers, _ in made) // batch),
        max(map(_steps, calls), default=0),
        -(-sum(map(_multiplications, calls)) // batch),
    )


def _steps(call: Call) -> int:
    """Return how many steps a layer takes that calls what is inside it once a step, those around it too."""
    from keras import layers

    by_steps = isinstance(call.operation, layers.TimeDistributed | layers.RNN | layers.Bidirectional)
    return call.times * (call.takes[0][1] or 1) if by_steps else 0


def _multiplications(call: Call) -> int:
    from keras import layers

    if isinstance(call.operation, layers.TimeDistributed) or not (call.takes and call.gives):
        return 0  # what is inside it is a call of its own
    own = layer_macs(call.operation, call.takes[0], call.gives[0])
    return call.times * (own + multiplications_within(call))
