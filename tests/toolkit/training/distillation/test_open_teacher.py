"""Which files may teach, and that each is fed and read as it was trained."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="teachers need the [toolkit] extra")

from keras import layers

from device.errors import EdgeError
from toolkit.models.keras_file import save_model
from toolkit.training.distillation.teachers import as_teacher, open_teacher

pytestmark = pytest.mark.toolkit
CLASSES = ("happy", "sad")
FACES = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 1)).astype(np.float32)


def network(first, last):
    """Two scores of a face; ``first`` scales pixels of 0..255 to 0..1, ``last`` makes probabilities of the scores."""
    keras.utils.set_random_seed(0)
    image = x = keras.Input((48, 48, 1))
    x = layers.BatchNormalization()(layers.Conv2D(8, 5, strides=4, use_bias=False)(first(x)))
    scores = last(layers.Dense(2, name="scores")(layers.Flatten()(x)))
    return keras.Model(image, scores)


def same(tensor):
    return tensor


@pytest.mark.parametrize(
    ("first", "last", "stored"),
    [
        (layers.Rescaling(1 / 255), layers.Softmax(), {}),
        (layers.Rescaling(1 / 255), same, {}),
        (same, layers.Softmax(), {"pixel_range": "0..1"}),
        (same, same, {"pixel_range": "0..1"}),
        (lambda image: image / 255, lambda scores: layers.Reshape((1, 1, 2))(layers.Softmax()(scores)), {}),
    ],
    ids=["as training writes them", "logits", "0..1", "logits of 0..1", "a map of one place"],
)
def test_a_teacher_is_fed_and_read_as_it_was_trained(first, last, stored, tmp_path):
    save_model(network(first, last), tmp_path / "m.keras", {"labels": list(CLASSES), **stored})
    expected = network(layers.Rescaling(1 / 255), layers.Softmax()).predict_on_batch(FACES)
    assert np.ptp(expected[:, 0]) > 0.01
    found = as_teacher(open_teacher(tmp_path / "m.keras"), CLASSES, "float32")(FACES)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_file_that_names_no_classes_is_told_what_teachers_must_be(tmp_path):
    network(layers.Rescaling(1 / 255), layers.Softmax()).save(tmp_path / "m.keras")
    with pytest.raises(
        EdgeError, match=r"names no classes; expected a .keras that 'toolkit train' wrote, or"
    ):
        open_teacher(tmp_path / "m.keras")


def test_a_file_that_does_not_tell_its_pixels_is_refused(tmp_path):
    save_model(network(same, layers.Softmax()), tmp_path / "m.keras", {"labels": list(CLASSES)})
    with pytest.raises(
        EdgeError, match=r"does not tell which pixel values it takes; .* 'pixel_range': '0..1'"
    ):
        open_teacher(tmp_path / "m.keras")


def test_what_is_no_model_is_told_so(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"anything")
    with pytest.raises(EdgeError, match="is an ONNX model, expected a Keras one"):
        open_teacher(tmp_path / "m.onnx")
