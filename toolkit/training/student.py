"""The network as it is trained: logits, a second head for the taggers' votes, and a loss that listens to teachers."""

import logging
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from device.errors import EdgeError
from toolkit.training.acceleration import accelerated
from toolkit.training.architectures import build_network, short_name
from toolkit.training.architectures.face_mobilenet import enlarges, kernel_of_half_the_side
from toolkit.training.given_weights import give_statistics, give_weights
from toolkit.training.pixels import fitted
from toolkit.training.recipe import TrainingRecipe

logger = logging.getLogger(__name__)


class Student:
    """One network in three forms that share no code with its file: ``network``, float32, pixels to logits, which is
    exported; ``body``, the same layers as they compute in training; ``model``, compiled, with a second head for votes
    where ``vote_count`` > 0. ``heads`` are the layers that learn while the backbone is frozen.
    """

    def __init__(self, recipe: TrainingRecipe, class_count: int, vote_count: int = 0):
        self.recipe = recipe
        self.class_count = class_count
        self.network = with_channels(
            without_softmax(build_network(recipe.arch, class_count)), recipe.channels
        )
        self.body = accelerated(self.network, recipe.dtype_policy)
        self.heads = [last_dense(self.body)] if last_dense(self.body) is not None else []
        outputs = [self.body.output]
        if vote_count and not self.heads:
            logger.info(
                "the FER+ votes are not learnt: %s does not end in a dense layer", short_name(recipe.arch)
            )
        elif vote_count:
            votes = layers.Dense(vote_count, dtype="float32", name="votes")
            outputs.append(votes(self.heads[0].input))
            self.heads.append(votes)
        self.model = keras.Model(self.body.input, outputs, name=self.body.name)
        self.compile()

    @property
    def has_votes(self) -> bool:
        """Whether the model has the second head."""
        return len(self.model.outputs) > 1

    def compile(self) -> None:
        """Give the model a new optimizer, its momenta zero, over what is trainable now, and the recipe's losses."""
        recipe = self.recipe
        losses = [ClassLoss(self.class_count, recipe.teacher_weight, recipe.teacher_temperature)]
        if self.has_votes:
            # TensorFlow's gradient of its own cross-entropy takes targets to sum to one: a face without votes is zeros.
            losses.append(ClassLoss(self.heads[-1].units, 0.0, 1.0))
        self.model.compile(
            make_optimizer(recipe),
            losses,
            loss_weights=[1.0, recipe.votes_weight][: len(losses)],
            # XLA on a CPU makes small convolutions several times slower; elsewhere Keras knows best.
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        # Else the first step would make the momenta, and TensorFlow would trace it a second time.
        self.model.optimizer.build(self.model.trainable_variables)

    def set_frozen(self, frozen: bool) -> None:
        """Freeze all layers but the heads, or let all learn; a new optimizer follows."""
        for layer in self.model._flatten_layers(include_self=False, recursive=True):
            if not isinstance(layer, keras.Model):
                layer.trainable = not frozen or layer in self.heads
        self.compile()

    def inputs(self, faces: np.ndarray) -> np.ndarray:
        """Return (N, 48, 48, 1 or 3) float32 0..255 as the network takes them."""
        return fitted(faces, self.network.input_shape[1:])

    def start_from_backbone(self, backbone: keras.Model) -> None:
        """Give the layers of the network those weights of ``backbone``, its own network without a classifier."""
        for layer in backbone.layers:
            if layer.weights:
                give_weights(self.network.get_layer(layer.name), layer.get_weights())
        give_weights(self.body, self.network.get_weights())

    def start_from(self, trained: keras.Model, columns: list[int]) -> None:
        """Take the weights of ``trained``, and ``columns`` of its logits; new ones if empty.

        EdgeError if ``trained`` is of another architecture.
        """
        head = last_dense(self.network)
        last = {id(weight) for weight in head.weights} if head is not None else set()
        theirs, own = trained.get_weights(), self.network.weights
        enlarged = self.recipe.arch == "face-fast" and enlarges(trained)
        if enlarged and theirs[0].shape == tuple(own[0].shape):
            theirs[0] = kernel_of_half_the_side(theirs[0])
        values = []
        for weight, value in zip(own, theirs, strict=False):
            if id(weight) in last and value.shape[:-1] == weight.shape[:-1]:
                value = value[..., columns] if columns else ops.convert_to_numpy(weight)
            values.append(value)
        if len(theirs) != len(own) or [v.shape for v in values] != [tuple(w.shape) for w in own]:
            raise EdgeError(
                f"`init` is of another architecture: {trained.name} has {len(theirs)} weights of "
                f"{sum(v.size for v in theirs):,} numbers, {self.network.name} expects {len(own)} of "
                f"{sum(np.prod(w.shape) for w in own):,}; pass `arch` {trained.name}, or a model of {self.network.name}"
            )
        give_weights(self.network, values)
        give_weights(self.body, values)

    def export(self, temperature: float) -> keras.Model:
        """Return the float32 model that is saved: the network's input, pixels 0..255, in, (N, C) probabilities out.

        The second head is left behind. ``temperature`` divides the logits; where the network ends in a dense layer
        it is folded into that one, and costs nothing.
        """
        network = keras.models.clone_model(self.network)
        give_weights(network, self.body.get_weights())
        return with_probabilities(network, temperature, short_name(self.recipe.arch))


def with_probabilities(network: keras.Model, temperature: float, name: str) -> keras.Model:
    """Return ``network``, which gives logits, as the model ``name``, which gives their softmax at ``temperature``.

    Where it ends in a dense layer the division is folded into that one's weights.
    """
    logits = network.output
    head = last_dense(network)
    if head is not None:
        head.set_weights([weight / temperature for weight in head.get_weights()])
    elif temperature != 1:
        # by the number of layers, for an earlier training may have left one
        logits = layers.Rescaling(1 / temperature, name=f"temperature_{len(network.layers)}")(logits)
    return keras.Model(network.input, layers.Softmax(name="probabilities")(logits), name=name)


def make_optimizer(recipe: TrainingRecipe) -> keras.optimizers.Optimizer:
    """Return the recipe's optimizer; weight decay spares biases and normalisations."""
    common: dict[str, Any] = {
        "weight_decay": recipe.weight_decay or None,
        "global_clipnorm": recipe.clip_norm or None,
    }
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(recipe.peak_rate, momentum=0.9, nesterov=True, **common)
    else:
        if recipe.optimizer == "adam":
            del common["weight_decay"]
        kind = keras.optimizers.Adam if recipe.optimizer == "adam" else keras.optimizers.AdamW
        optimizer = kind(recipe.peak_rate, **common)
    if common.get("weight_decay"):
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def without_softmax(model: keras.Model) -> keras.Model:
    """Return ``model`` giving logits, with its weights: a softmax at its end is left out."""
    if last_dense(model) is not None:
        return model
    last = last_layer(model)
    if type(last).__name__ == "Softmax":  # a layer, or keras.ops' operation
        return without_softmax(keras.Model(model.inputs[0], last.input, name=model.name))
    copied = keras.models.clone_model(model, clone_function=lambda layer: _linear(layer, last))
    give_weights(copied, model.get_weights())
    shape = (8, *model.input_shape[1:])
    pixels = 255 * np.random.default_rng(0).random(shape, dtype=np.float32)
    answers = ops.convert_to_numpy(copied(pixels, training=False)).astype(np.float32)
    if (answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3):
        raise EdgeError(
            "the network gives probabilities by something else than a softmax at its end; expected a last layer with "
            "activation='softmax', a Softmax layer, or logits"
        )
    return copied


def with_channels(model: keras.Model, channels: int) -> keras.Model:
    """Return ``model`` for pictures of ``channels``; a new one, what it learnt too, where it takes another number."""
    if channels in (0, model.input_shape[-1]):
        return model
    image = keras.Input((*model.input_shape[1:-1], channels), name="image")
    try:
        copied = keras.models.clone_model(model, input_tensors=image)
    except Exception as error:  # as many kinds as there are layers
        raise EdgeError(
            f"{model.name} cannot be built for {channels} channels, it counts on {model.input_shape[-1]}: leave "
            "`channels` out"
        ) from error
    give_statistics(copied, model)
    return copied


def _linear(layer: Any, last: Any) -> Any:
    config = layer.get_config()
    if layer is last:
        if isinstance(layer, keras.Model):
            return without_softmax(layer)
        if getattr(layer, "activation", None) is keras.activations.softmax:
            config["activation"] = "linear"
    return type(layer).from_config(config)


def last_layer(model: keras.Model) -> Any:
    """Return the layer, or operation, whose output is the model's."""
    return model.outputs[0]._keras_history.operation


def last_dense(model: keras.Model) -> Any:
    """Return the dense layer that gives the model's output, but for linear activations after it, or None."""
    layer = last_layer(model)
    while isinstance(layer, layers.Activation) and layer.activation is keras.activations.linear:
        layer = layer.input._keras_history.operation
    return layer if isinstance(layer, layers.Dense) and layer.activation is keras.activations.linear else None


class ClassLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy with the labels, and with the teachers where the target carries them.

    The target is (B, C) label shares, or (B, 2C): label shares, then the teachers' mean probabilities at
    ``temperature``. With teachers the loss is (1 - w) CE + w T^2 KL(teacher || student) up to a constant, after
    Hinton, Vinyals and Dean (arXiv 1503.02531).
    """

    def __init__(self, class_count: int, teacher_weight: float, temperature: float):
        super().__init__(name="class_loss")
        self.class_count = class_count
        self.teacher_weight = teacher_weight
        self.temperature = temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        labels = y_true[:, : self.class_count]
        hard = -ops.sum(labels * ops.log_softmax(y_pred, axis=-1), axis=-1)
        if y_true.shape[-1] == self.class_count:
            return hard
        teachers = y_true[:, self.class_count :]
        soft = -ops.sum(teachers * ops.log_softmax(y_pred / self.temperature, axis=-1), axis=-1)
        weight = self.teacher_weight * ops.sum(teachers, axis=-1)
        return (1 - weight) * hard + self.teacher_weight * self.temperature**2 * soft
