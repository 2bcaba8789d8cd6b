"""Every call of a layer or an operation that a Keras network makes for a batch, in shapes alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Call:
    """operation: the layer or operation; takes, gives: the shapes of all its tensors, constant ones too, batch first;
    times: how often it is called, by steps through a sequence."""

    operation: Any
    takes: tuple[Shape, ...]
    gives: tuple[Shape, ...]
    times: int = 1


def calls_of(model: Any, batch: int) -> list[Call]:
    """Return the calls of ``model``, built or not, for so many images, those of networks inside at each of their calls.

    A size that the model's input leaves open stays None. Raises what Keras does where the shapes do not fit.
    """
    import keras

    calls: list[Call] = []
    network = getattr(model, "_functional", None) or model
    if hasattr(network, "_run_through_graph"):
        images = [keras.KerasTensor((batch, *one.shape[1:]), one.dtype) for one in network.inputs]
        _through(network, images, 1, calls)
    return calls


def _through(network: Any, tensors: Any, times: int, calls: list[Call]) -> Any:
    """Add the calls within ``network``, called on ``tensors``, to ``calls``; return what it puts out."""
    return network._run_through_graph(
        tensors, call_fn=lambda one, *args, **options: _called(one, args, options, times, calls)
    )


def _called(operation: Any, args: Any, options: Any, times: int, calls: list[Call]) -> Any:
    import keras
    from keras import layers
    from keras.src import backend  # no public way to call a layer in shapes alone

    if isinstance(operation, layers.SpectralNormalization):  # only in training does it more than its layer
        return _called(operation.layer, args, options, times, calls)
    network = getattr(operation, "_functional", None) or operation
    first: Any = next(iter((*args, *options.values())), None)
    if hasattr(network, "_run_through_graph"):
        return _through(network, first, times, calls)
    if isinstance(operation, layers.TimeDistributed):
        batch, steps, *sides = first.shape
        step = keras.KerasTensor((batch, *sides), first.dtype)
        _called(operation.layer, (step,), {}, times * (steps or 1), calls)
    if isinstance(operation, layers.Rescaling | layers.RandomCrop):
        # Keras tells another shape than they put out: of a scale for each of many channels, of no training.
        image = keras.KerasTensor(first.shape, first.dtype)  # which Keras takes for sparse behind a product
        outputs = backend.compute_output_spec(lambda dense: operation(dense, training=False), image)
    else:
        outputs = operation.compute_output_spec(*args, **options)
    calls.append(Call(operation, tuple(_shapes((args, options))), tuple(_shapes(outputs)), times))
    return outputs


def _shapes(tensors: Any) -> Iterator[Shape]:
    import keras

    return (tuple(one.shape) for one in keras.tree.flatten(tensors) if hasattr(one, "shape"))
