"""The pictures of a training, and that drawing them changes nothing for others."""

import subprocess
import sys

import cv2

from toolkit.charts.training_pictures import draw_learning_curves
from toolkit.results.history import EpochRecord


def test_the_curves_are_drawn(tmp_path):
    history = [
        EpochRecord(n, 2.0, 1.0 / n, 0.1 * n, 0.1, 1.0, 1.0, True, 0.8 / n, 0.12 * n) for n in range(1, 6)
    ]
    draw_learning_curves(history, tmp_path / "curves.png")
    assert cv2.imread(str(tmp_path / "curves.png")).std() > 5


def test_importing_them_leaves_the_backend_of_matplotlib_alone():
    program = (
        "import matplotlib; matplotlib.use('svg'); import toolkit.charts.training_pictures, sys; "
        "assert matplotlib.get_backend() == 'svg'; assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
