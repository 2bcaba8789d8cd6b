"""The Python API: what the packages name, and the examples of its documentation, run."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import device
from device.capture.sources.demo import DemoSource

ROOT = Path(__file__).parents[2]
DOCUMENTED = (
    "device",
    "device.capture.sources",
    "device.capture.sources.turned",
    "device.runtime.iteration",
    "device.frames",
)


@pytest.mark.parametrize("module", DOCUMENTED)
def test_the_examples_run(module):
    found = importlib.import_module(module)
    results = doctest.testmod(found, extraglobs=_globals(), optionflags=doctest.ELLIPSIS)
    assert results.attempted >= 1
    assert results.failed == 0


def _globals() -> dict:
    import numpy as np

    return {"np": np, "open_source": device.open_source}


def test_everything_that_is_named_is_there():
    for name in device.__all__:
        assert getattr(device, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = device.nothing


def test_importing_the_package_costs_nothing():
    code = "import device, sys; assert not {'numpy', 'cv2', 'click', 'ai_edge_litert'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_results_come_one_by_one_and_the_source_is_closed(tiny_model):
    source = DemoSource(20)
    results = device.run(source, model=tiny_model, detector="haar")
    first = next(results)
    assert (first.index, first.frame.size_wh) == (0, (640, 480))
    rest = list(results)
    assert [result.index for result in rest] == list(range(1, 20))
    assert any(result.faces for result in rest)
    assert [
        result.index for result in device.run("demo:9", model=tiny_model, detector="haar", max_frames=2)
    ] == [0, 1]


def test_a_loaded_model_is_used_again_and_a_wrong_one_is_told_at_once(tiny_model, tmp_path):
    model = device.load_model(tiny_model)
    assert len(list(device.run("demo:2", model=model, detector="haar"))) == 2
    with pytest.raises(device.EdgeError, match="cannot read the model"):
        device.run("demo:2", model=tmp_path / "gone.tflite")
    with pytest.raises(device.EdgeError, match="no such file or folder"):
        device.run(str(tmp_path / "gone.mp4"))
