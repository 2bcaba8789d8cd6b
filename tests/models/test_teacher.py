"""``models/teacher.keras``, as it is used: asked about faces, and as first weights."""

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="a teacher needs the [toolkit] extra")

from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.synthesis import load_synthetic
from toolkit.models.keras_file import load_keras_model
from toolkit.training.distillation.teachers import as_teacher, open_teacher
from toolkit.training.pixels import pixels
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.student import Student

pytestmark = pytest.mark.toolkit
TEACHER = Path(__file__).parents[2] / "models" / "teacher.keras"


def test_it_names_faces_and_gives_its_weights_to_the_network_that_ships():
    assert TEACHER.stat().st_size < 7e6
    faces = load_synthetic()
    faces = faces.select(np.arange(0, len(faces), 16))
    answers = as_teacher(open_teacher(TEACHER), FER2013_CLASSES, "float32")(pixels(faces.images))
    student = Student(TrainingRecipe(arch="face-compact", dtype_policy="float32"), len(FER2013_CLASSES))
    student.start_from(load_keras_model(TEACHER), list(range(7)))
    started = student.export(1.0).predict(pixels(faces.images), verbose=0)
    named = np.array([FER2013_CLASSES.index(faces.classes[label]) for label in faces.labels])
    for probabilities in (answers, started):
        assert np.mean(probabilities.argmax(axis=1) == named) > 0.75
