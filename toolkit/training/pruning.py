"""Channel pruning: the weights of a trained network for the same network with fewer channels.

After He, Zhang and Sun (arXiv 1707.06168): of the channels that a 1x1 convolution reads, those are kept that best
explain what it computes, and its kernel is fitted anew, by least squares, to what it computed from all of them. The
channels are chosen one after another, each for what it adds to those before (a pivoted Cholesky factorisation). The
kernels are fitted from the first to the last, each to the inputs that it has in the pruned network.
"""

from collections.abc import Sequence

import keras
import numpy as np

from toolkit.data.even_choice import even_rows
from toolkit.training.architectures.face_mobilenet import enlarges
from toolkit.training.pixels import inputs_of
from toolkit.training.renormalization import FACES, renormalize

BATCH = 64
POSITIONS = 16  # where each face's activations are read
EXHAUSTED = 1e-9  # share of the largest variance below which a channel's own is rounding
RIDGE = 1e-4  # added to the inputs' squares, as a share of their mean
SEED = 0
MIXING = (keras.layers.Conv2D, keras.layers.Dense)  # each of their outputs reads all channels
KINDS = (*MIXING, keras.layers.DepthwiseConv2D, keras.layers.BatchNormalization)


def can_prune(trained: keras.Model, student: keras.Model) -> bool:
    """Return whether ``student`` is ``trained`` with fewer channels, a chain whose kernels are 1x1 after the first.

    The first kernel is taken as it is: either both enlarge the face, or neither.
    """
    if enlarges(trained) != enlarges(student):
        return False
    wide, narrow = _weighted(trained), _weighted(student)
    if [layer.name for layer in wide] != [layer.name for layer in narrow]:
        return False
    if not all(isinstance(layer, KINDS) for layer in narrow):
        return False
    if any(len(keras.tree.flatten(layer.input)) > 1 for layer in student.layers):
        return False
    if any(max(layer.kernel.shape[:-2], default=1) > 1 for layer in _mixers(student)[1:]):
        return False
    shapes = [
        (ours.shape, theirs.shape)
        for before, after in zip(wide[:-1], narrow[:-1], strict=True)  # the last may name other classes
        for ours, theirs in zip(after.weights, before.weights, strict=True)
    ]
    return all(np.less_equal(*pair).all() for pair in shapes) and any(a != b for a, b in shapes)


def prune_into(student: keras.Model, trained: keras.Model, faces: np.ndarray, columns: list[int]) -> None:
    """Give ``student`` the weights of ``trained``, pruned on FACES of ``faces``, (N, 48, 48) or (N, 48, 48, 3) uint8.

    Its logits become ``columns`` of those of ``trained``; they stay new if that is empty.
    """
    faces = faces[even_rows(len(faces), FACES)]
    mixers = [layer.name for layer in _mixers(student)]
    inputs = _inputs(trained, mixers, faces)
    reads = {name: _best_channels(student, trained, name, inputs[name]) for name in mixers[1:]}
    writes = np.arange(0)
    for layer in _weighted(student):
        weights = trained.get_layer(layer.name).get_weights()
        if layer.name not in mixers:  # depthwise, or a normalisation: channel by channel
            axis = 2 if isinstance(layer, keras.layers.DepthwiseConv2D) else 0
            layer.set_weights([np.take(weight, writes, axis) for weight in weights])
            continue
        following = mixers[mixers.index(layer.name) + 1 :]
        writes = reads[following[0]] if following else np.array(columns)
        if not len(writes):
            break
        kernel, *biases = (np.take(weight, writes, -1) for weight in weights)
        if layer.name in reads:
            wanted = inputs[layer.name] @ _matrix(kernel)
            fitted = _least_squares(_inputs(student, [layer.name], faces)[layer.name], wanted)
            kernel = fitted.reshape(*kernel.shape[:-2], *fitted.shape)
        layer.set_weights([kernel, *biases])
    renormalize(student, faces)


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.weights and layer.name != "votes"]


def _mixers(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in _weighted(model) if isinstance(layer, MIXING)]


def _best_channels(student: keras.Model, trained: keras.Model, name: str, inputs: np.ndarray) -> np.ndarray:
    """Return which of its ``inputs`` in ``trained`` the layer called ``name`` reads in ``student``, in their order."""
    layer = trained.get_layer(name)
    matrix = _matrix(layer.get_weights()[0])
    layers = _weighted(trained)
    norm = layers[min(layers.index(layer) + 1, len(layers) - 1)]
    if isinstance(norm, keras.layers.BatchNormalization):  # which makes an output weigh more or less
        gamma, _, _, variance = norm.get_weights()
        matrix = matrix * (gamma / np.sqrt(variance + norm.epsilon))
    unexplained = np.cov(inputs, rowvar=False)
    effects = unexplained @ matrix
    least = EXHAUSTED * unexplained.diagonal().max()
    chosen: list[int] = []
    for _ in range(student.get_layer(name).kernel.shape[-2]):
        left = unexplained.diagonal()
        gains = np.where(left > least, (effects**2).sum(axis=1), 0) / np.maximum(left, least)
        gains[chosen] = -1
        best = int(gains.argmax())
        chosen.append(best)
        if left[best] > least:
            shares = unexplained[best] / left[best]
            effects = effects - np.outer(shares, effects[best])
            unexplained = unexplained - np.outer(shares, unexplained[best])
    return np.sort(chosen)


def _least_squares(inputs: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the (inputs, outputs) matrix that takes ``inputs`` closest to ``wanted``, one reading a row."""
    squares = inputs.T.astype(np.float64) @ inputs
    squares += RIDGE * squares.diagonal().mean() * np.eye(len(squares))
    return np.linalg.solve(squares, inputs.T.astype(np.float64) @ wanted)


def _matrix(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel of 1x1, or of a dense layer, as (inputs, outputs)."""
    return kernel.reshape(kernel.shape[-2:])


def _inputs(model: keras.Model, names: Sequence[str], faces: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each named layer reads at the same places in any model, (readings, channels) float32."""
    probe = keras.Model(model.input, [model.get_layer(name).input for name in names])
    rngs = [np.random.default_rng(SEED) for _ in names]
    readings: list[list[np.ndarray]] = [[] for _ in names]
    for start in range(0, len(faces), BATCH):
        batch = inputs_of(model, faces[start : start + BATCH])
        outputs = keras.tree.flatten(probe.predict_on_batch(batch))
        for rng, read, output in zip(rngs, readings, outputs, strict=True):
            values = np.asarray(output, np.float32)
            if values.ndim == 4:
                rows, columns = (
                    rng.integers(0, side, (len(values), POSITIONS)) for side in values.shape[1:3]
                )
                values = values[np.arange(len(values))[:, None], rows, columns]
            read.append(values.reshape(-1, values.shape[-1]))
    return {name: np.concatenate(read) for name, read in zip(names, readings, strict=True)}
