"""One inference of a SavedModel in a process of its own with limits: only then are computed shapes known."""

import subprocess
import sys
from pathlib import Path

from device.child_processes import child_environment, python_module
from device.errors import EdgeError
from toolkit.models.opening.child_limits import limit_this_process

# Beyond what the loaded network takes; EfficientNetB7's activations are below 200 MB.
MEMORY_BYTES = 512 << 20
PROCESSOR_S = 5  # of the inference
CLOCK_S = 300  # of everything by the clock: TensorFlow itself takes a minute to start on a busy machine
TOO_MUCH = 3  # the child's exit status
OPEN_PX = 48  # of a side that the signature leaves open


def refuse_greedy(path: Path) -> None:
    """Raise EdgeError unless the SavedModel answers for one black image within MEMORY_BYTES and PROCESSOR_S, and is
    loaded by then within CLOCK_S.

    What else is wrong with it is for its loader to tell.
    """
    command = python_module("toolkit.models.opening.trial", str(path))
    # oneDNN's allocator waits ten seconds for memory that never comes.
    environment = {**child_environment(), "TF_ENABLE_ONEDNN_OPTS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=CLOCK_S, env=environment)
    except subprocess.TimeoutExpired as error:
        raise EdgeError(
            f"{path} is not run: it was not loaded within {CLOCK_S} s; try again where the machine is less busy, or "
            "save the network as model.save('model.keras')"
        ) from error
    if done.returncode < 0 or done.returncode == TOO_MUCH:
        raise EdgeError(
            f"{path} is not run: for one image it takes over {MEMORY_BYTES >> 20} MB or {PROCESSOR_S} s, or ends the "
            "process; save the network as model.save('model.keras')"
        )


def _infer_once(path: Path) -> None:
    """Load the SavedModel, whose graph was found pure, and run it once under limits; TOO_MUCH is the exit status."""
    import numpy as np
    import tensorflow as tf

    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    (image,) = signature.structured_input_signature[1].values()
    batch, *sides = image.shape
    black = np.zeros([batch or 1, *(side or OPEN_PX for side in sides)], image.dtype.as_numpy_dtype)
    limit_this_process(MEMORY_BYTES, PROCESSOR_S)
    try:
        signature(tf.constant(black))
    except (MemoryError, tf.errors.ResourceExhaustedError):
        sys.exit(TOO_MUCH)


if __name__ == "__main__":
    _infer_once(Path(sys.argv[1]))
