"""Parts of another package, installed as pip installs it, are found by their names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = '''
"""A source, a detector and a sink."""
from pathlib import Path
import numpy as np
from device.faces.detectors.base import Detection
from device.frames import BoundingBox, Frame, FrameSource
from device.sinks import Sink

class Grey(FrameSource):
    """``grey:N``: N frames of gray."""
    live = continuous = False
    def __init__(self, argument):
        self.name, self.count = f"grey:{argument}", int(argument or 1)
    def __enter__(self):
        return self
    def __exit__(self, *exc):
        pass
    def __iter__(self):
        for index in range(self.count):
            yield Frame(np.full((480, 640), 128, np.uint8), index, 0)

class Middle:
    """A face in the middle of every picture."""
    name, path = "middle", Path(__file__)
    margin_ratio, region_ratio, certain_score = 1.0, 2.0, 0.5
    def __init__(self, min_face_px, model_file, reduce):
        pass
    def detect(self, image, region=None):
        height, width = image.shape[:2]
        return [Detection(BoundingBox(width / 2 - 40, height / 2 - 40, width / 2 + 40, height / 2 + 40), 0.9)]
    detect_still = detect

class Counter(Sink):
    """Writes how many faces there were into a file, at the end."""
    def __init__(self, argument, labels):
        self.name, self.path, self.faces, self.labels = "counter", Path(argument), 0, labels
    def write(self, result):
        self.faces += len(result.faces)
    def close(self):
        self.path.write_text(f"{self.faces} {len(self.labels)}")
'''
PROJECT = """
[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"
[project]
name = "fer-edge-greys"
version = "1"
[project.entry-points."fer_edge.sources"]
grey = "greys:Grey"
torn = "not_there:Grey"
[project.entry-points."fer_edge.detectors"]
middle = "greys:Middle"
[project.entry-points."fer_edge.sinks"]
counter = "greys:Counter"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> dict[str, str]:
    """The environment of a process that sees another package, which brings a source, beside this checkout."""
    package, site = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("site")
    (package / "greys.py").write_text(CODE)
    (package / "pyproject.toml").write_text(PROJECT)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        site,
        package,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{site}"}


def device(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "device", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )


def test_a_source_of_another_package_runs(installed):
    done = device(installed, "run", "--source", "grey:3", "--detector", "haar", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["source"], said["frames"], said["faces"]) == ("grey:3", 3, 0)


def test_a_detector_and_a_sink_of_another_package_run(installed, tmp_path):
    counted = tmp_path / "counted.txt"
    parts = ("--detector", "middle", "--sink", f"counter:{counted}")
    done = device(installed, "run", "--source", "demo:4", *parts, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["frames"] == said["faces"] == 4
    assert counted.read_text() == "4 7"


def test_an_unknown_sink_is_one_line(installed):
    done = device(installed, "run", "--source", "demo:1", "--sink", "nothing")
    assert done.returncode == 2
    assert "--sink nothing: no installed package brings it; there are: counter" in done.stderr


def test_a_part_that_cannot_be_imported_is_one_line(installed):
    done = device(installed, "run", "--source", "torn")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "not_there:Grey" in done.stderr


def test_without_the_package_the_name_is_unknown():
    done = device(dict(os.environ), "run", "--source", "grey:3")
    assert done.returncode != 0
    assert "grey:3" in done.stderr
