"""The pictures of a training, and that drawing them changes nothing for others."""

import subprocess
import sys
import warnings

import cv2
import numpy as np
import pytest

from toolkit.charts.training_pictures import (
    GREEN,
    VERMILION,
    draw_confusion,
    draw_learning_curves,
    draw_samples,
)
from toolkit.results.history import EpochRecord


@pytest.mark.parametrize("count", [1, 5])
def test_the_curves_are_drawn_and_of_one_epoch_a_point(tmp_path, count):
    history = [
        EpochRecord(n, 2.0, 1.0 / n, 0.1 * n, 0.1, 1.0, 1.0, True, 0.8 / n, 0.12 * n)
        for n in range(1, count + 1)
    ]
    (tmp_path / "curves.png").write_bytes(draw_learning_curves(history))
    drawn = cv2.imread(str(tmp_path / "curves.png"))
    rate_bgr = [int(GREEN[at : at + 2], 16) for at in (5, 3, 1)]
    assert (drawn == rate_bgr).all(axis=2).sum() > 20


@pytest.mark.parametrize(
    "classes", [("悲しい", "счастье"), ("a" * 100, "b" * 100), tuple(map(str, range(300)))]
)
def test_classes_of_any_name_and_number_are_drawn_without_a_warning(classes, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "confusion.png").write_bytes(draw_confusion(np.eye(len(classes)), classes, "validation"))
    height, width, _ = cv2.imread(str(tmp_path / "confusion.png")).shape
    assert 200 < height < 4000
    assert 200 < width < 4000


def test_a_class_may_be_called_like_a_formula(tmp_path):
    matrix = draw_confusion(np.eye(2), ("happy", r"$\no_formula$"), r"$\nor_this$")
    (tmp_path / "confusion.png").write_bytes(matrix)
    assert cv2.imread(str(tmp_path / "confusion.png")).std() > 5


@pytest.mark.parametrize(("label", "seen", "absent"), [(1, GREEN, VERMILION), (0, VERMILION, GREEN)])
def test_samples_say_by_their_colour_what_is_right(label, seen, absent, tmp_path):
    faces, labels = np.full((40, 48, 48), 90, np.uint8), np.full(40, label)
    samples = draw_samples(faces, labels, np.tile([0.2, 0.8], (40, 1)), ("sad", "happy"), seed=0)
    (tmp_path / "samples.png").write_bytes(samples)
    sheet = cv2.cvtColor(cv2.imread(str(tmp_path / "samples.png")), cv2.COLOR_BGR2RGB).astype(int)

    def pixels_of(color):
        wanted = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
        return int((abs(sheet - wanted).max(axis=-1) < 30).sum())

    assert pixels_of(seen) > 1000
    assert pixels_of(absent) == 0
    dark = (abs(sheet - 90).max(axis=-1) < 5).mean()
    assert dark == pytest.approx(48 * 48 / (84 * 62), abs=0.03), "the faces' share of the sheet"


def test_importing_them_leaves_the_backend_of_matplotlib_alone():
    program = (
        "import matplotlib; matplotlib.use('svg'); import toolkit.charts.training_pictures, sys; "
        "assert matplotlib.get_backend() == 'svg'; assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
