"""What a classifier's outputs are, whatever layer they come from, and what the toolkit makes of them."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

from device.errors import EdgeError
from toolkit.models.head import LOGITS, SIGMOIDS, SOFTMAX
from toolkit.models.network import open_network

pytestmark = pytest.mark.toolkit
L = keras.layers
FACES = np.random.default_rng(0).integers(0, 256, (6, 16, 16), dtype=np.uint8)
PIXELS = FACES[..., None].astype(np.float32)


def network(end, outputs):
    """A small network whose answers vary much, ending in ``end`` of ``outputs`` numbers."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 1))
    x = L.Conv2D(4, 3, strides=2, activation="relu")(L.Rescaling(1 / 255)(image))
    wide = keras.initializers.RandomNormal(stddev=4.0, seed=1)
    return keras.Model(image, end(L.Flatten()(x), outputs, wide))


ENDS = {
    "dense softmax": (lambda x, n, wide: L.Dense(n, "softmax", kernel_initializer=wide)(x), SOFTMAX),
    "softmax layer": (lambda x, n, wide: L.Softmax()(L.Dense(n, kernel_initializer=wide)(x)), SOFTMAX),
    "softmax operation": (lambda x, n, wide: keras.ops.softmax(L.Dense(n, kernel_initializer=wide)(x)), SOFTMAX),
    "softmax layer in a dense one": (
        lambda x, n, wide: L.Dense(n, activation=L.Softmax(), kernel_initializer=wide)(x),
        SOFTMAX,
    ),
    "softmax layer as an activation": (
        lambda x, n, wide: L.Activation(L.Softmax())(L.Dense(n, kernel_initializer=wide)(x)),
        SOFTMAX,
    ),
    "dense sigmoid": (lambda x, n, wide: L.Dense(n, "sigmoid", kernel_initializer=wide)(x), SIGMOIDS),
    "sigmoid layer": (
        lambda x, n, wide: L.Activation("sigmoid")(L.Dense(n, kernel_initializer=wide)(x)),
        SIGMOIDS,
    ),
    "sigmoid behind a reshape": (
        lambda x, n, wide: L.Reshape((n,))(L.Dense(n, "sigmoid", kernel_initializer=wide)(x)),
        SIGMOIDS,
    ),
    "convolutions": (
        lambda x, n, wide: L.Conv2D(n, 1, activation="softmax", kernel_initializer=wide)(L.Reshape((1, 1, -1))(x)),
        SOFTMAX,
    ),
    "logits": (lambda x, n, wide: L.Dense(n, kernel_initializer=wide)(x), LOGITS),
    # All of them between 0 and 1 for these faces, and still logits.
    "small logits": (
        lambda x, n, wide: L.Dense(n, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(0.5))(x),
        LOGITS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("inside", [False, True])
def test_the_last_activation_tells_what_outputs_are(tmp_path, name, inside):
    end, head = ENDS[name]
    model = network(end, 3)
    if inside:
        image = keras.Input((16, 16, 1))
        model = keras.Model(image, model(image))
    model.save(tmp_path / "m.keras")
    opened = open_network(tmp_path / "m.keras", ("a", "b", "c"))
    assert opened.head == head
    direct = np.asarray(model(PIXELS)).reshape(6, 3)
    expected = np.asarray(keras.ops.softmax(direct)) if head == LOGITS else direct
    assert opened.predict(FACES) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("held", ["list", "dictionary"])
@pytest.mark.parametrize(("second", "head"), [("softmax", SOFTMAX), ("sigmoid", SIGMOIDS), (None, LOGITS)])
def test_of_a_network_of_two_outputs_the_one_that_is_used_tells(tmp_path, held, second, head):
    keras.utils.set_random_seed(0)
    image, other = keras.Input((16, 16, 1)), keras.Input((16, 16, 1))
    x = L.Flatten()(L.Rescaling(1 / 255)(image))
    wide = keras.initializers.RandomNormal(stddev=4.0, seed=1)
    first = "softmax" if second is None else None
    outputs = [L.Dense(3, one, kernel_initializer=wide)(x) for one in (first, second)]
    both = keras.Model(image, outputs if held == "list" else dict(zip(("age", "mood"), outputs, strict=True)))
    keras.Model(other, both(other)["mood" if held == "dictionary" else 1]).save(tmp_path / "m.keras")
    assert open_network(tmp_path / "m.keras", ("a", "b", "c")).head == head


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("a", "a", "b"), "`labels`: the label 'a' stands there twice"),
        (("a", "", "b"), "`labels`: label 2 is ''"),
    ],
)
def test_labels_that_no_file_can_hold_are_refused_first(tmp_path, labels, said):
    network(ENDS["dense softmax"][0], 3).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=said):
        open_network(tmp_path / "m.keras", labels)


@pytest.mark.parametrize("name", ["dense sigmoid", "sigmoid layer", "sigmoid behind a reshape", "logits"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_one_sigmoid_or_logit_tells_two_classes_apart(tmp_path, name, suffix):
    model = network(ENDS[name][0], 1)
    model.save(tmp_path / f"m{suffix}")
    opened = open_network(tmp_path / f"m{suffix}", ("no", "yes"))
    direct = np.asarray(model(PIXELS))
    second = np.asarray(keras.ops.sigmoid(direct)) if name == "logits" else direct
    assert opened.predict(FACES) == pytest.approx(np.hstack([1 - second, second]), abs=1e-5)
    assert second.max() - second.min() > 0.1


def test_one_output_wants_two_labels_in_their_order(tmp_path):
    network(ENDS["dense sigmoid"][0], 1).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"given 1 labels; pass `labels` with 2 names.*first the class at 0"):
        open_network(tmp_path / "m.keras", ("yes",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *((name, "a softmax over one output") for name in ("dense softmax", "softmax layer", "softmax operation")),
        ("relu", "one output behind 'relu', expected a layer's sigmoid or a logit"),
        ("sigmoid operation", "behind keras.ops.sigmoid, .* end the network in Dense"),
    ],
)  # fmt: skip
def test_one_output_that_is_no_probability_is_refused(tmp_path, name, said):
    ends = {
        "relu": lambda x, n, wide: L.Dense(n, "relu")(x),
        "sigmoid operation": lambda x, n, wide: keras.ops.sigmoid(L.Dense(n)(x)),
    }
    network(ends.get(name) or ENDS[name][0], 1).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=said):
        open_network(tmp_path / "m.keras", ("no", "yes"))


def test_one_output_of_a_saved_model_is_refused_with_the_way_out(tmp_path):
    network(ENDS["dense sigmoid"][0], 1).export(tmp_path / "m", verbose=False)
    with pytest.raises(EdgeError, match=r"one output and a SavedModel does not tell.*model\.keras"):
        open_network(tmp_path / "m", ("no", "yes"))


def test_a_network_of_any_size_gets_the_one_that_is_named(tmp_path):
    image = keras.Input((None, None, 1))
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(L.Rescaling(1 / 255)(image)))
    keras.Model(image, L.Dense(3)(x)).save(tmp_path / "m.keras")
    with pytest.raises(EdgeError, match=r"pictures of any size.*pass `input_size`"):
        open_network(tmp_path / "m.keras", ("a", "b", "c"))
    opened = open_network(tmp_path / "m.keras", ("a", "b", "c"), input_size=24)
    assert opened.input_shape == (24, 24, 1)
    assert opened.predict(FACES).shape == (6, 3)
    network(ENDS["logits"][0], 3).save(tmp_path / "fixed.keras")
    with pytest.raises(EdgeError, match=r"takes 16x16 pixels, `input_size` is 24"):
        open_network(tmp_path / "fixed.keras", ("a", "b", "c"), input_size=24)


@pytest.mark.parametrize("labels", ['"abc"', "[1, 2, 3]", '["a", "a", "b"]', '["a", "\\u001b[2J", "b"]'])
def test_stored_labels_that_are_no_names_are_refused(tmp_path, labels):
    import zipfile

    network(ENDS["logits"][0], 3).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        archive.writestr("fer_edge.json", f'{{"labels": {labels}}}')
    with pytest.raises(EdgeError, match=r"no list of names|stands there twice|printable characters"):
        open_network(tmp_path / "m.keras")
