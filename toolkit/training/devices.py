"""Several devices, such as GPUs: each takes a part of every batch, by Keras' own data parallelism."""

import contextlib
import logging

import keras

logger = logging.getLogger(__name__)


def data_parallel(batch_size: int) -> contextlib.AbstractContextManager[None]:
    """Return a context in which a model that is made there trains on as many devices as divide ``batch_size`` faces.

    Keras divides batches among devices under JAX alone; under another backend, or on one device, nothing changes. All
    devices carry all weights, and statistics and gradients are those of the whole batch: the training is the same one,
    but for the order in which floats are added.

    >>> with data_parallel(128):
    ...     trainer = Trainer(data, recipe, folder, [])
    """
    devices = keras.distribution.list_devices() if keras.backend.backend() == "jax" else []
    used = max((n for n in range(1, len(devices) + 1) if batch_size % n == 0), default=1)
    if used < len(devices):
        logger.warning(
            "%d of %d devices train: a batch of %d faces divides by no more; choose another `batch_size`",
            used,
            len(devices),
            batch_size,
        )
    if used == 1:
        return contextlib.nullcontext()
    logger.info("training on %d devices, %d faces of a step each", used, batch_size // used)
    scope: contextlib.AbstractContextManager[None] = keras.distribution.DataParallel(
        devices=devices[:used]
    ).scope()
    return scope
