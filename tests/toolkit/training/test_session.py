"""Real trainings of a small network on easy pictures, through the door that the command line uses."""

import csv
import hashlib
import json
import struct
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from tensorboardX.proto.event_pb2 import Event

from device.errors import EdgeError, UsageError
from toolkit.models.keras_file import load_keras_model, read_keras_metadata, save_model
from toolkit.training.distillation.teachers import as_teacher, open_teacher
from toolkit.training.joining import FurtherData
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.request import TrainingRequest, make_request
from toolkit.training.training_data import read_one

from .conftest import RECIPE, interrupt, run

pytestmark = pytest.mark.toolkit


def read_scalars(folder, tag):
    """Return {step: value} of ``tag`` in the event files, which are TFRecords of Event messages."""
    values = {}
    for path in sorted(folder.iterdir()):
        data, start = path.read_bytes(), 0
        while start < len(data):
            (size,) = struct.unpack_from("<Q", data, start)
            event = Event.FromString(data[start + 12 : start + 12 + size])
            values.update(
                (event.step, value.simple_value) for value in event.summary.value if value.tag == tag
            )
            start += 12 + size + 4
    return values


def test_training_learns_and_writes_everything(trained):
    folder = trained.model.parent
    assert trained.report.accuracy >= 0.9
    assert {path.name for path in folder.iterdir()} == {
        "best.keras",
        "checkpoint.npz",
        "history.csv",
        "learning_curves.png",
        "confusion.png",
        "samples.png",
        "tensorboard",
    }
    rows = list(csv.DictReader((folder / "history.csv").open()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    logged = read_scalars(folder / "tensorboard", "loss/validation")
    assert logged == pytest.approx(
        {int(row["epoch"]): float(row["validation_loss"]) for row in rows}, rel=1e-4
    )
    assert cv2.imread(str(folder / "learning_curves.png")).std() > 5
    metadata = read_keras_metadata(trained.model)
    assert metadata["labels"] == ["happy", "sad"]
    assert metadata["training"]["train_faces"] == 80
    best = min(trained.history, key=lambda record: record.validation_loss)
    assert metadata["training"]["epoch"] == best.epoch
    assert metadata["training"]["validation_accuracy"] == best.validation_accuracy == trained.report.accuracy
    assert trained.report.log_loss == pytest.approx(best.validation_loss, abs=0.01)


def test_further_faces_are_learnt_and_resumed_with(stripes, trained, tmp_path):
    """Happy stripes are lengthwise in the first data set alone; in the further one they are checks."""
    rng = np.random.default_rng(0)
    for number in range(40):
        tile = np.kron([[40, 200], [200, 40]], np.ones((2 + number % 5, 2 + number % 5)))
        checks = np.tile(tile, (24, 24))[:48, :48] + rng.normal(0, 10, (48, 48))
        target = tmp_path / "checks" / "train" / ("happy" if number % 2 else "sad") / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), (checks if number % 2 else np.full((48, 48), 5.0 * number)).astype(np.uint8))
    further = (FurtherData(tmp_path / "checks", 0.3),)
    model = trained.model
    request = TrainingRequest(
        stripes, tmp_path / "both", RECIPE, teachers=(model,), init=model, more_data=further
    )
    result = run(request)
    assert read_keras_metadata(result.model)["training"]["train_faces"] == 80 + 36
    assert result.report.n == 20 + 4
    assert result.report.accuracy >= 0.85
    longer = make_request(None, tmp_path / "both", True, False, epochs=RECIPE.epochs + 1)
    assert longer.more_data == (FurtherData((tmp_path / "checks").absolute(), 0.3),)
    assert len(run(longer).history) == RECIPE.epochs + 1


def test_first_weights_are_held_by_their_share(stripes, trained, tmp_path):
    first = trained.model
    recipe = replace(RECIPE, epochs=2, learning_rate=0.02, keep_first=0.75)
    held = TrainingRequest(stripes, tmp_path / "held", recipe, init=first)
    free = TrainingRequest(stripes, tmp_path / "free", replace(recipe, keep_first=0.0), init=first)

    def moved(request):
        start = load_keras_model(first).get_weights()[0]
        return np.abs(load_keras_model(run(request).model).get_weights()[0] - start).mean()

    assert moved(held) == pytest.approx(moved(free) / 4, rel=0.05)
    resumed = run(make_request(None, tmp_path / "held", True, False, epochs=3))
    assert len(resumed.history) == 3


def test_a_student_learns_from_its_teacher(stripes, trained, tmp_path):
    taught = TrainingRecipe(**{**vars(RECIPE), "teacher_weight": 1.0, "epochs": 6, "views": 2})
    request = TrainingRequest(stripes, tmp_path / "student", taught, teachers=(trained.model,))
    student = run(request)
    assert student.report.accuracy >= 0.9  # labels weigh nothing here: all it knows is the teacher's
    assert read_keras_metadata(student.model)["training"]["teachers"] == 1
    books = sorted((tmp_path / "student" / "teacher_cache").glob("*/*.npy"))
    assert [path.name for path in books] == ["view_0000.npy", "view_0001.npy"]
    assert all(np.allclose(np.load(path).sum(axis=1), 1, atol=1e-5) for path in books)
    # A second student of the same teacher learns from the kept answers, be they true or not.
    for path in books:
        np.save(path, np.load(path)[:, ::-1])
    misled = run(
        replace(request, out=tmp_path / "misled", teacher_cache=tmp_path / "student" / "teacher_cache")
    )
    assert misled.history[-1].validation_accuracy <= 0.1


def test_answers_without_a_teacher_or_without_views_are_refused(stripes, tmp_path):
    viewed = TrainingRecipe(**{**vars(RECIPE), "views": 2})
    for recipe, teachers in ((viewed, ()), (RECIPE, (tmp_path / "teacher.keras",))):
        request = TrainingRequest(
            stripes, tmp_path / "run", recipe, teachers=teachers, teacher_cache=tmp_path
        )
        with pytest.raises(UsageError, match=f"received {len(teachers)} teachers and views {recipe.views}"):
            run(request)


def test_a_damaged_teacher_is_told_before_the_data_is_read(tmp_path):
    (tmp_path / "nothing").mkdir()
    with zipfile.ZipFile(tmp_path / "teacher.keras", "w") as archive:
        archive.writestr("config.json", "{")
        archive.writestr("model.weights.h5", b"")
    request = TrainingRequest(
        tmp_path / "nothing", tmp_path / "run", RECIPE, teachers=(tmp_path / "teacher.keras",)
    )
    with pytest.raises(EdgeError, match=r"teacher.keras"):
        run(request)


def test_an_interrupted_first_epoch_leaves_nothing(stripes, tmp_path):
    from toolkit.training.session import train

    with pytest.raises(KeyboardInterrupt):
        train(TrainingRequest(stripes, tmp_path, RECIPE), lambda *step: interrupt(step))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        train(TrainingRequest(stripes, tmp_path / "runs" / "one", RECIPE), lambda *step: interrupt(step))
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_ended_in_the_folder_meanwhile_is_kept(stripes, tmp_path):
    from toolkit.training import session

    request = TrainingRequest(stripes, tmp_path / "one", RECIPE)
    late = session.make_trainer(request, session.read_training_data(request), [])
    kept = run(request).model.read_bytes()
    with pytest.raises(EdgeError, match="holds a training already; pass `resume` to go on"):
        session.run(late, request, None, None, None)
    assert (tmp_path / "one/best.keras").read_bytes() == kept


def test_a_teacher_gives_the_shares_among_the_students_classes(trained):
    teacher = open_teacher(trained.model)
    faces = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1)).astype(np.float32)
    both = as_teacher(teacher, ("happy", "sad"), "float32")(faces)
    np.testing.assert_array_equal(as_teacher(teacher, ("sad", "happy"), "float32")(faces), both[:, ::-1])
    np.testing.assert_allclose(as_teacher(teacher, ("sad",), "float32")(faces), 1.0, atol=1e-6)
    with pytest.raises(
        EdgeError, match=r"does not know 'fear'; expected all of sad, fear, it knows happy, sad"
    ):
        as_teacher(teacher, ("sad", "fear"), "float32")


def test_a_share_that_holds_nothing_out_is_told(stripes, caplog):
    caplog.set_level("INFO")
    said = (
        f"{stripes} has a validation split of its own: `validation_share` 0.2 does nothing without `hold_out`"
    )
    for held_out in (False, True):
        read_one(stripes, TrainingRecipe(validation_share=0.2, hold_out=held_out), None)
        assert caplog.messages.count(said) == 1
    read_one(stripes, TrainingRecipe(), None)
    assert caplog.messages.count(said) == 1


def test_fine_tuning_starts_where_the_given_model_stands(stripes, trained, tmp_path, caplog):
    caplog.set_level("INFO")
    gentle = TrainingRecipe(**{**vars(RECIPE), "epochs": 1, "learning_rate": 1e-6})
    tuned = run(TrainingRequest(stripes, tmp_path / "tuned", gentle, init=trained.model))
    fresh = run(TrainingRequest(stripes, tmp_path / "fresh", gentle))
    assert tuned.report.accuracy >= 0.9 > fresh.report.accuracy
    starts = [message for message in caplog.messages if message.startswith("starts from")]
    assert starts == [
        f"starts from {trained.model}: {100 * trained.report.accuracy:.1f} % of 20 validation faces right"
    ]
    other = TrainingRecipe(**{**vars(gentle), "arch": "mini-xception"})
    with pytest.raises(
        EdgeError, match="`init` is of another architecture: fully-connected has 12 weights of"
    ):
        run(TrainingRequest(stripes, tmp_path / "other", other, init=trained.model))
    assert not (tmp_path / "other").exists()


def test_fewer_classes_start_with_their_own_logits(stripes, trained, tmp_path):
    """In the order of the new training, whatever the order of the old."""
    gentle = TrainingRecipe(**{**vars(RECIPE), "epochs": 1, "learning_rate": 1e-6})
    classes = ("sad", "happy")
    request = TrainingRequest(stripes, tmp_path / "turned", gentle, classes=classes, init=trained.model)
    turned = run(request)
    assert read_keras_metadata(trained.model)["labels"] == ["happy", "sad"]
    assert read_keras_metadata(turned.model)["labels"] == ["sad", "happy"]
    assert turned.report.accuracy >= 0.9


def doubled(path, wide):
    """Write to ``wide`` the model of ``path`` with every channel twice, each read half as strongly."""
    model = load_keras_model(path)

    def copy(layer):
        config = layer.get_config()
        if layer.name in ("dense1", "dense2"):
            config["units"] *= 2
        return type(layer).from_config(config)

    wider = keras.models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        weights = layer.get_weights()
        if layer.name in ("dense2", "logits"):
            weights[0] = np.concatenate([weights[0], weights[0]]) / 2
        if layer.name != "logits":
            weights = [np.concatenate([weight, weight], axis=-1) for weight in weights]
        wider.get_layer(layer.name).set_weights(weights)
    save_model(wider, wide, read_keras_metadata(path))


def test_a_wider_network_is_pruned_and_a_resumed_training_does_not_need_it(
    stripes, trained, tmp_path, caplog
):
    caplog.set_level("INFO")
    wide = tmp_path / "wide.keras"
    doubled(trained.model, wide)
    gentle = replace(RECIPE, epochs=2, learning_rate=1e-6)
    request = TrainingRequest(stripes, tmp_path / "pruned", gentle, init=wide)
    with pytest.raises(KeyboardInterrupt):
        run(request, interrupt)
    assert f"pruning the channels of {wide} to those of fully-connected, a minute or two" in caplog.messages
    digest = hashlib.sha256(wide.read_bytes()).hexdigest()
    wide.unlink()
    resumed = run(replace(request, resume=True))
    assert resumed.report.accuracy >= 0.9
    assert load_keras_model(resumed.model).get_layer("dense1").units == 256
    assert read_keras_metadata(resumed.model)["training"]["init_sha256"] == digest


def test_the_command_trains_and_prints_json(stripes, forked_toolkit, tmp_path):
    asked = ("--data", stripes, "--out", tmp_path, "--arch", "fully-connected")
    done = forked_toolkit("train", *asked, "--epochs", "1", "--batch-size", "16", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["validation"]["n"] == 20
    assert "epoch   1/1" in done.stderr


def test_an_unknown_architecture_is_one_line_and_wrong_use(stripes, forked_toolkit, tmp_path):
    done = forked_toolkit("train", "--data", stripes, "--out", tmp_path / "no", "--arch", "huge")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "error: --arch is 'huge', no architecture; there are: compact"
    )
    assert not (tmp_path / "no").exists()
