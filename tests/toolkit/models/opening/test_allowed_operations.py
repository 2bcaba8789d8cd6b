"""Networks of what classifiers are made of are opened; what a file may ask for beside it is named."""

import json
import zipfile

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras files need the [toolkit] extra")

from keras import layers, ops

from device.errors import EdgeError
from toolkit.models.network import open_network
from toolkit.models.opening.allowed_operations import refuse_unlisted

pytestmark = pytest.mark.toolkit
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def saved(middle, path):
    image = keras.Input((48, 48, 1))
    scores = layers.Dense(7, activation="softmax")(layers.Flatten()(middle(image)))
    keras.Model(image, scores).save(path)
    return path


def windows_of_attention(x):
    """As Swin: pictures are cut into windows, which stand among the images of a batch."""
    x = ops.transpose(ops.reshape(x, (-1, 6, 8, 6, 8, 1)), (0, 1, 3, 2, 4, 5))
    x = ops.reshape(x, (-1, 64, 1))
    return ops.reshape(layers.MultiHeadAttention(2, 8)(x, x), (-1, 6, 6, 64))


def attention_by_hand(x):
    x = layers.Dense(96)(ops.reshape(ops.image.extract_patches(x, 8), (-1, 36, 64)))
    query, key, value = ops.split(x, 3, axis=-1)
    weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))) / 32**0.5)
    return ops.gelu(layers.LayerNormalization()(ops.einsum("bij,bjc->bic", weights, value)))


def normalization_by_hand(x):
    mean, variance = ops.mean(x, axis=(1, 2), keepdims=True), ops.var(x, axis=(1, 2), keepdims=True)
    x = ops.clip((x - mean) / ops.sqrt(variance + 1e-3), -3, 3)
    return ops.normalize(ops.where(ops.greater(x, 0.0), ops.log1p(ops.abs(x)), ops.tanh(x)))


def shapes_by_hand(x):
    x = ops.image.resize(ops.concatenate([x, ops.flip(x, axis=2)], axis=-1), (24, 24))
    x = ops.pad(ops.stack([x[..., 0], x[..., 1]], axis=-1), [[0, 0], [1, 1], [1, 1], [0, 0]])
    x = ops.maximum(ops.take(x, [0, 2, 4], axis=1), 0.1)
    return ops.cast(
        ops.one_hot(ops.argmax(ops.repeat(ops.tile(x, (1, 1, 1, 2)), 2, axis=1), axis=-1), 4), "float32"
    )


def mirrored_too(x):
    both = layers.Conv2D(4, 3, activation="mish")(ops.concatenate([x, ops.flip(x, axis=2)], axis=0))
    one, other = ops.split(both, 2, axis=0)
    return one + other


def augmented(x):
    for layer in (layers.RandomPerspective(), layers.RandomGaussianBlur(), layers.RandAugment()):
        x = layer(x)
    return x


@pytest.mark.parametrize(
    "middle",
    [windows_of_attention, attention_by_hand, normalization_by_hand, shapes_by_hand, mirrored_too, augmented],
)
def test_what_classifiers_are_made_of_is_opened(tmp_path, middle):
    network = open_network(saved(middle, tmp_path / "m.keras"), LABELS)
    assert network.predict(np.zeros((3, 48, 48), np.uint8)).shape == (3, 7)


def blurred(x):
    return ops.image.gaussian_blur(x, (20001, 20001), (1.0, 1.0))


def decomposed(x):
    return ops.svd(ops.reshape(layers.UpSampling2D(100)(x), (-1, 4800, 4800)), compute_uv=False)


def taken_apart(x):
    return ops.unstack(layers.UpSampling2D(100)(x), axis=1)[0]


def split_into_thousands(x):
    return ops.split(layers.UpSampling2D(100)(x), 4800, axis=1)[0]


def squared_by_an_activation(x):
    return layers.Activation(ops.diag)(x)


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        (blurred, "calls GaussianBlur, not among"),
        (decomposed, "calls SVD, not among"),
        (taken_apart, "calls Unstack, not among"),
        (split_into_thousands, "calls a split into 4,800 parts, not among"),
        (squared_by_an_activation, "calls the function diag, not among"),
    ],
)
def test_another_operation_is_named(tmp_path, middle, said):
    with pytest.raises(EdgeError, match=said):
        open_network(saved(middle, tmp_path / "m.keras"), LABELS)


def test_a_table_is_named_before_it_is_made(tmp_path):
    good, bad = saved(layers.Identity(name="table"), tmp_path / "good.keras"), tmp_path / "bad.keras"
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(bad, "w") as made:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                config = json.loads(content)
                (table,) = (one for one in config["config"]["layers"] if one["class_name"] == "Identity")
                table["class_name"] = "IntegerLookup"
                table["config"] = {"name": "table", "vocabulary": [1, 2, 3], "num_oov_indices": 2 * 10**8}
                content = json.dumps(config).encode()
            made.writestr(name, content)
    with pytest.raises(EdgeError, match="calls IntegerLookup, not among"):
        open_network(bad, LABELS)


@pytest.mark.parametrize("name", ["MobileNetV2", "ConvNeXtTiny", "EfficientNetV2B0", "InceptionResNetV2"])
def test_published_networks_hold_nothing_else(name):
    with keras.StatelessScope(initialize_variables=False):
        model = getattr(keras.applications, name)(weights=None)
        refuse_unlisted(name, json.loads(model.to_json()))


def test_as_many_rows_as_images_are_expected(tmp_path):
    def twice(image):
        return layers.Concatenate(axis=0)([image, image])

    with pytest.raises(EdgeError, match="24 images give 48 rows of scores"):
        open_network(saved(twice, tmp_path / "m.keras"), LABELS)
