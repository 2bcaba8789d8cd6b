"""Two models' weights into one: their mean, calibrated on faces that neither learnt."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.toolkit


def mix(*arguments):
    command = [sys.executable, str(ROOT / "models" / "mix_weights.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_mean_of_two_models(stripes, tmp_path):
    from toolkit.models.keras_file import load_keras_model, read_keras_metadata, save_model
    from toolkit.training.architectures import fully_connected, mini_xception

    paths = [tmp_path / name / "best.keras" for name in ("one", "two", "other")]
    for path, build in zip(
        paths, (fully_connected.build, fully_connected.build, mini_xception.build), strict=True
    ):
        path.parent.mkdir()
        save_model(build(2), path, {"labels": ["happy", "sad"]})
    one, two, other = paths
    made = tmp_path / "mean.keras"
    done = mix("--data", stripes, "--share", "0.25", one, two, made)
    assert done.returncode == 0, done.stderr
    first, second, mean = (load_keras_model(path).get_weights() for path in (one, two, made))
    expected = [0.75 * a + 0.25 * b for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(mean[0], expected[0], rtol=1e-5)
    told = read_keras_metadata(made)["training"]
    assert (told["mixed_with"], told["mixed_share"]) == ("two", 0.25)
    np.testing.assert_allclose(
        mean[-2] * told["temperature"], expected[-2], rtol=1e-3
    )  # folded into the last layer

    done = mix("--data", stripes, "--share", "0.5", one, other, tmp_path / "none.keras")
    assert done.returncode == 1
    assert "is of another architecture" in done.stderr
    assert not (tmp_path / "none.keras").exists()
