"""The model as it is trained: logits, a second head for the taggers' votes, and a loss that listens to teachers."""

import keras
from keras import layers, ops

from device.errors import EdgeError
from toolkit.training.acceleration import accelerated
from toolkit.training.architectures import get_architecture
from toolkit.training.recipe import TrainingRecipe


def build_student(recipe: TrainingRecipe, class_count: int, vote_count: int) -> keras.Model:
    """Return the compiled model to train: outputs ``logits`` and, for ``vote_count`` > 0, ``votes``."""
    body = accelerated(get_architecture(recipe.arch).build(class_count), recipe.dtype_policy)
    outputs = [body.get_layer("logits").output]
    if vote_count:
        features = body.get_layer("features").output
        outputs.append(layers.Dense(vote_count, dtype="float32", name="votes")(features))
    student = keras.Model(body.input, outputs, name=body.name)
    compile_student(student, recipe)
    return student


def compile_student(student: keras.Model, recipe: TrainingRecipe) -> None:
    """Give ``student`` a new optimizer, without momenta, over what is trainable now, and the losses of ``recipe``."""
    class_count = student.get_layer("logits").units
    optimizer = keras.optimizers.SGD(
        recipe.learning_rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay or None
    )
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    losses = [ClassLoss(class_count, recipe.teacher_weight, recipe.teacher_temperature)]
    if len(student.outputs) > 1:
        losses.append(keras.losses.CategoricalCrossentropy(from_logits=True))
    student.compile(
        optimizer,
        losses,
        loss_weights=[1.0, recipe.votes_weight][: len(losses)],
        # XLA on a CPU makes small convolutions several times slower; elsewhere Keras knows best.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def start_from_backbone(student: keras.Model, backbone: keras.Model) -> None:
    """Give the layers of ``student`` the weights of those of ``backbone``, its own network without a classifier."""
    for layer in backbone.layers:
        if layer.weights:
            student.get_layer(layer.name).set_weights(layer.get_weights())


def start_from(student: keras.Model, trained: keras.Model, columns: list[int]) -> None:
    """Give ``student`` the weights of ``trained``, layer by layer, and ``columns`` of its logits; new ones if empty.

    EdgeError if ``trained`` is of another architecture.
    """
    sources = {layer.name: layer for layer in trained.layers if layer.weights}
    for layer in student.layers:
        if not layer.weights or layer.name == "votes":
            continue
        if layer.name == "logits":
            if columns:
                layer.set_weights(
                    [weight[..., columns] for weight in trained.get_layer("logits").get_weights()]
                )
            continue
        source = sources.get(layer.name)
        shapes = [weight.shape for weight in layer.weights]
        if source is None or [weight.shape for weight in source.weights] != shapes:
            raise EdgeError(
                f"--init is of another architecture: {trained.name} has no layer {layer.name} of the shape that "
                f"{student.name} expects; pass --arch {trained.name}, or a model of {student.name}"
            )
        layer.set_weights(source.get_weights())


class ClassLoss(keras.losses.Loss):
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

    def call(self, y_true, y_pred):
        labels = y_true[:, : self.class_count]
        hard = -ops.sum(labels * ops.log_softmax(y_pred, axis=-1), axis=-1)
        if y_true.shape[-1] == self.class_count:
            return hard
        teachers = y_true[:, self.class_count :]
        soft = -ops.sum(teachers * ops.log_softmax(y_pred / self.temperature, axis=-1), axis=-1)
        return (1 - self.teacher_weight) * hard + self.teacher_weight * self.temperature**2 * soft


def export_model(student: keras.Model, arch: str, temperature: float) -> keras.Model:
    """Return the float32 model that is saved: (N, 48, 48, 1) gray 0..255 in, (N, C) probabilities out.

    The second head is left behind. ``temperature`` divides the logits and is folded into the last layer, so it
    costs nothing.
    """
    body = get_architecture(arch).build(student.get_layer("logits").units)
    for layer in body.layers:
        if not layer.weights:  # those of keras.applications have names that change from one model to the next
            continue
        layer.set_weights(student.get_layer(layer.name).get_weights())
    kernel, bias = body.get_layer("logits").get_weights()
    body.get_layer("logits").set_weights([kernel / temperature, bias / temperature])
    probabilities = layers.Softmax(name="probabilities")(body.output)
    return keras.Model(body.input, probabilities, name=body.name)
