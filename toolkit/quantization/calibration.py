"""Calibrating in a process of its own: TensorFlow's calibrator ends the process on some graphs, by a signal."""

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from device.errors import EdgeError
from device.files import temporary_folder

TIME_LIMIT_S = 600
LAST_LINES = 3
# Operators that image classifiers are made of; the calibrator is known to take them.
PLAIN = """
    CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV FULLY_CONNECTED BATCH_MATMUL AVERAGE_POOL_2D MAX_POOL_2D MEAN SUM
    REDUCE_MAX REDUCE_MIN SOFTMAX LOG_SOFTMAX LOGISTIC TANH RELU RELU6 RELU_N1_TO_1 LEAKY_RELU PRELU ELU HARD_SWISH GELU
    ADD SUB MUL DIV MAXIMUM MINIMUM NEG ABS EXP LOG SQRT RSQRT SQUARE SQUARED_DIFFERENCE POW RESHAPE SQUEEZE EXPAND_DIMS
    TRANSPOSE CONCATENATION SPLIT SPLIT_V PACK UNPACK SLICE STRIDED_SLICE GATHER PAD PADV2 MIRROR_PAD SHAPE FILL TILE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SPACE_TO_DEPTH DEPTH_TO_SPACE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND CAST
    QUANTIZE DEQUANTIZE BROADCAST_TO L2_NORMALIZATION
"""
PLAIN_OPERATORS = frozenset(PLAIN.split())


def calibrate(float_file: bytes, inputs: Iterable[list[np.ndarray]]) -> bytes:
    """Return a float .tflite with the least and greatest value of each activation over ``inputs``, here."""
    from tensorflow.lite.python.optimize import calibrator

    watched = calibrator.Calibrator(calibrator.add_intermediate_tensors(float_file))
    made: bytes = watched.calibrate(lambda: iter(inputs))
    return made


def calibrate_apart(float_file: bytes, inputs: Iterable[list[np.ndarray]]) -> bytes:
    """Return what ``calibrate`` does, from a process of its own.

    Raises EdgeError, which says how that process ended, where it gives no result.
    """
    with temporary_folder() as folder:
        (folder / "float.tflite").write_bytes(float_file)
        np.save(folder / "inputs.npy", np.stack([one for (one,) in inputs]))
        command = [sys.executable, "-m", "toolkit.quantization.calibration", str(folder)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_S
            )
        except subprocess.TimeoutExpired as error:
            raise EdgeError(f"TensorFlow's calibration took over {TIME_LIMIT_S} s") from error
        if done.returncode < 0:
            raise EdgeError(f"TensorFlow's calibration ends by {signal.Signals(-done.returncode).name}")
        if done.returncode:
            said = " ".join(done.stderr.strip().splitlines()[-LAST_LINES:])
            raise EdgeError(f"TensorFlow's calibration fails: {said[:300]}")
        return (folder / "calibrated.tflite").read_bytes()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    faces = np.load(place / "inputs.npy")
    (place / "calibrated.tflite").write_bytes(
        calibrate((place / "float.tflite").read_bytes(), ([face] for face in faces))
    )
