"""SavedModels: nothing is run before every operator is known to only compute."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model
from toolkit.models.opening import trial
from toolkit.models.opening.pure_graph import refuse_impure

pytestmark = pytest.mark.toolkit


def saved(folder, body, name="m"):
    """Save a module whose served function calls ``body`` and then answers with zeros."""

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 1))])
        def serve(self, x):
            found = body(x)
            with tf.control_dependencies([found] if found is not None else []):
                return tf.reduce_mean(x, (1, 2))

    module = Module()
    tf.saved_model.save(module, str(folder / name), signatures={"serving_default": module.serve})
    return folder / name


def reading_lines(place):
    lines = tf.data.TextLineDataset(str(place))
    return lines.reduce(tf.constant(""), lambda before, line: before + line)


def nested(body):
    def call(x):
        return tf.cond(tf.reduce_sum(x) > 1e9, lambda: body(x), lambda: tf.constant(0))

    return call


IMPURE = {
    "WriteFile": lambda place, x: tf.io.write_file(str(place), "ran"),
    "ReadFile": lambda place, x: tf.io.read_file("/etc/hostname"),
    "MatchingFiles": lambda place, x: tf.io.matching_files("/etc/*"),
    "PrintV2": lambda place, x: tf.print("ran", output_stream=f"file://{place}"),
    "ReduceDataset": lambda place, x: reading_lines(place),
    "EagerPyFunc": lambda place, x: tf.py_function(lambda: place.write_text("ran"), [], tf.int32),
    "SaveV2": lambda place, x: tf.raw_ops.SaveV2(
        prefix=str(place), tensor_names=["x"], shape_and_slices=[""], tensors=[x]
    ),
    "RestoreV2": lambda place, x: tf.raw_ops.RestoreV2(
        prefix=str(place), tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    )[0],
}


@pytest.mark.parametrize("kind", IMPURE)
@pytest.mark.parametrize("wrap", ["plain", "nested"])
def test_what_reaches_outside_is_refused_by_name_and_not_run(tmp_path, kind, wrap):
    place = tmp_path / "witness"

    def body(x):
        made = IMPURE[kind](place, x)
        return tf.constant(0) if made is None or wrap == "nested" else made

    path = saved(tmp_path, nested(body) if wrap == "nested" else body)
    with pytest.raises(EdgeError, match=rf"is not run: its graph holds .*{kind}"):
        load_keras_model(path)
    assert not place.exists()


def graph_with(functions):
    """Return a GraphDef of ``functions``: name to the operators in it."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef()
    for name, operators in functions.items():
        function = graph.library.function.add()
        function.signature.name = name
        for operator in operators:
            node = function.node_def.add(op="PartitionedCall" if operator in functions else operator)
            if operator in functions:
                node.attr["f"].func.name = operator
    return graph


SAVER = "__inference__traced_save_7"


@pytest.mark.parametrize(
    ("functions", "called", "refused"),
    [
        ({SAVER: ["SaveV2", "Pack"]}, (), None),
        ({SAVER: ["WriteFile"]}, (), "WriteFile"),
        ({SAVER: ["SaveV2"]}, (SAVER,), "SaveV2"),
        ({SAVER: ["SaveV2"], "serve": [SAVER]}, ("serve",), "SaveV2"),
        ({"serve": ["Conv2D", "Frobnicate"]}, ("serve",), "Frobnicate"),
        ({"one": ["two"], "two": ["one"]}, ("one",), "calls itself"),
        ({"one": ["two"], "two": ["Conv2D"]}, ("one",), None),
        ({f"f{n}": [f"f{n + 1}"] for n in range(5000)} | {"f5000": ["Add"]}, ("f0",), "over 100 deep"),
        (
            {f"f{n}": [f"f{n + 1}"] * 2 for n in range(40)} | {"f40": ["Add"]},
            ("f0",),
            "come to [0-9,]{15,} operators",
        ),
        ({f"f{n}": [f"f{n + 1}"] * 2 for n in range(9)} | {"f9": ["Add"]}, ("f0",), None),
    ],
)
def test_the_names_of_the_saving_functions_open_no_door(functions, called, refused):
    graph = graph_with(functions)
    if refused is None:
        refuse_impure("m", graph, called)
    else:
        with pytest.raises(EdgeError, match=rf"m is not run: .*{refused}"):
            refuse_impure("m", graph, called)


def test_a_loop_is_refused(tmp_path):
    path = saved(tmp_path, lambda x: tf.while_loop(lambda i: i < 10, lambda i: i + 1, [tf.constant(0)])[0])
    with pytest.raises(EdgeError, match=r"is not run: its graph holds .*While"):
        load_keras_model(path)


def test_a_constant_of_absurd_shape_is_refused(tmp_path):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    path = saved(tmp_path, lambda x: tf.constant(3.0) * 2)
    model = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0].graph_def
    node = next(
        node for function in graph.library.function for node in function.node_def if node.op == "Const"
    )
    node.attr["value"].tensor.tensor_shape.dim.add(size=10**9)
    (path / "saved_model.pb").write_bytes(model.SerializeToString())
    with pytest.raises(EdgeError, match=r"declare [12],000,000,00. numbers"):
        load_keras_model(path)


def test_constants_are_counted_together():
    graph = graph_with({"serve": ["Const"] * 40})
    for node in graph.library.function[0].node_def:
        node.attr["value"].tensor.tensor_shape.dim.add(size=10**6)
    with pytest.raises(EdgeError, match="declare 34,000,000 numbers"):
        refuse_impure("m", graph, ("serve",))


@pytest.mark.parametrize("name", ["variables/variables.index", "assets/notes.txt"])
def test_a_folder_with_a_pipe_or_of_absurd_size_is_not_opened(tmp_path, name):
    (tmp_path / name).parent.mkdir()
    (tmp_path / "saved_model.pb").touch()
    os.mkfifo(tmp_path / name)
    with pytest.raises(EdgeError, match="it is no regular file"):
        load_keras_model(tmp_path)
    (tmp_path / name).unlink()
    with open(tmp_path / name, "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(EdgeError, match="holds 1,048,576 MB in all"):
        load_keras_model(tmp_path)


def test_a_network_of_ordinary_layers_is_opened_and_answers(tmp_path):
    """It is tried apart first: a graph that resizes computes a size."""
    layers = keras.layers
    image = keras.Input((16, 16, 1))
    x = layers.Resizing(12, 12)(layers.RandomFlip()(layers.Rescaling(1 / 255)(image)))
    x = layers.SeparableConv2D(4, 3, activation="swish")(layers.Conv2D(4, 3, activation="gelu")(x))
    x = layers.MaxPooling2D()(layers.PReLU()(layers.GroupNormalization(2)(layers.BatchNormalization()(x))))
    x = layers.Dropout(0.3)(layers.LayerNormalization()(layers.Flatten()(x)))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(x))
    model.export(tmp_path / "m", verbose=False)
    faces = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1)).astype(np.float32)
    assert np.asarray(load_keras_model(tmp_path / "m")(faces)) == pytest.approx(
        np.asarray(model(faces)), abs=1e-5
    )


def test_what_an_optimizer_of_keras_2_kept_is_passed_over(tmp_path):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    image = keras.Input((8, 8, 1))
    network = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    network.export(tmp_path / "m", verbose=False)
    file = tmp_path / "m" / "saved_model.pb"
    model = SavedModel.FromString(file.read_bytes())
    nodes = model.meta_graphs[0].object_graph_def.nodes
    kernel, bias, *_ = (number for number, node in enumerate(nodes) if node.HasField("variable"))
    nodes[0].slot_variables.add(original_variable_node_id=kernel, slot_name="m", slot_variable_node_id=bias)
    file.write_bytes(model.SerializeToString())
    face = np.ones((2, 8, 8, 1), np.float32)
    assert np.asarray(load_keras_model(tmp_path / "m")(face)) == pytest.approx(
        np.asarray(network(face)), abs=1e-6
    )


def test_a_damaged_saved_model_is_one_line(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(EdgeError, match=r"saved_model.pb is damaged"):
        load_keras_model(tmp_path)


GREEDY = {
    "Fill": lambda size, x: tf.reduce_sum(tf.fill([size, size], tf.reduce_max(x))),
    "Tile": lambda size, x: tf.reduce_sum(tf.tile(tf.reshape(x, (-1,)), [size])),
    "Range": lambda size, x: tf.reduce_sum(tf.range(tf.cast(size, tf.float32) * 1e5)),
    "Pad": lambda size, x: tf.reduce_sum(tf.pad(x, [[0, 0], [0, size], [0, size], [0, 0]])),
    "Concat": lambda size, x: tf.reduce_sum(doubled(tf.reshape(x, (-1, 64)), 22)),
    "Add": lambda size, x: tf.reduce_sum(pairs(tf.reshape(pairs(tf.reshape(x, (64,))), (-1,)))),
}


def doubled(x, times):
    for _ in range(times):
        x = tf.concat([x, x], 1)
    return x


def pairs(x):
    """Return the sum of each two of ``x``, eight times over."""
    x = tf.concat([x] * 8, 0)
    return x[:, None] + tf.sqrt(x)[None, :]


def saved_sum(folder, kind, least):
    """Save a network of images that adds what GREEDY makes, of a size that is known when it runs only."""
    image = tf.TensorSpec((None, 8, 8, 1))
    module = tf.Module()
    module.serve = tf.function(
        lambda x: tf.reduce_mean(x, (1, 2)) + GREEDY[kind](tf.cast(tf.reduce_max(x), tf.int32) + least, x),
        [image],
    )
    tf.saved_model.save(module, str(folder / "m"), signatures={"serving_default": module.serve})
    return folder / "m"


@pytest.mark.parametrize("kind", GREEDY)
def test_memory_that_the_graph_takes_is_tried_apart(tmp_path, kind):
    with pytest.raises(EdgeError, match=r"m is not run: for one image it takes over 512 MB"):
        load_keras_model(saved_sum(tmp_path, kind, 50_000_000 if kind == "Tile" else 50_000))


def test_a_busy_machine_is_told_from_a_greedy_graph(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "CLOCK_S", 0.05)
    with pytest.raises(
        EdgeError, match=r"not loaded within 0\.05 s; try again where the machine is less busy"
    ):
        trial.refuse_greedy(tmp_path)


def test_what_else_is_wrong_is_told_as_that(tmp_path):
    """Of a graph that computes a size, too."""
    module = tf.Module()
    module.serve = tf.function(
        lambda x, y: {"out": tf.reduce_mean(tf.pad(x + y, [[0, 0], [1, 1], [0, 0], [0, 0]]), (1, 2))}
    )
    served = module.serve.get_concrete_function(*[tf.TensorSpec((None, 8, 8, 1))] * 2)
    tf.saved_model.save(module, str(tmp_path / "two"), signatures={"serving_default": served})
    with pytest.raises(EdgeError, match=r"has 2 inputs"):
        load_keras_model(tmp_path / "two")


def test_another_signature_is_told_as_that(tmp_path):
    module = tf.Module()
    module.serve = tf.function(lambda x: tf.reduce_mean(x, (1, 2)), [tf.TensorSpec((None, 8, 8, 1))])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"predict": module.serve})
    with pytest.raises(EdgeError, match=r"m has the signatures predict, expected serving_default; save"):
        load_keras_model(tmp_path / "m")
