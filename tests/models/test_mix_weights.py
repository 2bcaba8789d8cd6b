"""Two models' weights into one: their mean, calibrated on faces that neither learnt."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "models" / "mix_weights.py"
pytestmark = pytest.mark.toolkit


@pytest.fixture
def mix(monkeypatch, capsys):
    """Run the script with arguments and return its exit status and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return ended.value.code, capsys.readouterr().err

    return run


def test_the_mean_of_two_models(mix, stripes, tmp_path):
    from toolkit.models.keras_file import load_keras_model, read_keras_metadata, save_model
    from toolkit.training.architectures import build_network

    paths = [tmp_path / name / "best.keras" for name in ("one", "two", "other")]
    for path, arch in zip(paths, ("fully-connected", "fully-connected", "mini-xception"), strict=True):
        path.parent.mkdir()
        save_model(build_network(arch, 2), path, {"labels": ["happy", "sad"]})
    one, two, other = paths
    made = tmp_path / "mean.keras"
    code, told = mix("--data", stripes, "--share", "0.25", one, two, made)
    assert code == 0, told
    first, second, mean = (load_keras_model(path).get_weights() for path in (one, two, made))
    expected = [0.75 * a + 0.25 * b for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(mean[0], expected[0], rtol=1e-5)
    told = read_keras_metadata(made)["training"]
    assert (told["mixed_with"], told["mixed_share"]) == ("two", 0.25)
    np.testing.assert_allclose(
        mean[-2] * told["temperature"], expected[-2], rtol=1e-3
    )  # folded into the last layer

    code, told = mix("--data", stripes, "--share", "0.5", one, other, tmp_path / "none.keras")
    assert code == 1
    assert "is of another architecture" in told
    assert not (tmp_path / "none.keras").exists()
