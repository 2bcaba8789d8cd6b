"""Every benchmark starts, and a make target runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked_toolkit import forked_toolkit

ROOT = Path(__file__).parent.parent
BENCHMARKS = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "__main__" in path.read_text()]


PATHS = f"{ROOT}:{ROOT / 'tests' / 'hardware'}"


def run(script: Path, *arguments: object) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": PATHS, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120)


@pytest.mark.toolkit
@pytest.mark.parametrize("script", BENCHMARKS, ids=lambda script: script.stem)
def test_a_benchmark_imports_what_it_needs_and_tells_its_options(script, monkeypatch):
    if script.stem == "mutants":
        pytest.importorskip("libcst", reason="'make mutants' brings it")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", PATHS)
    done = forked_toolkit("--help", script=script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("held_out", ("models/best.keras", "--data", "nowhere")),
        ("press", ("--press", "nowhere")),
        ("robustness", ("--data", "synthetic", "--quantized", "nowhere.tflite")),
    ],
)
def test_a_wrong_path_is_one_line(name, arguments, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", PATHS)
    done = forked_toolkit(*arguments, script=ROOT / "benchmarks" / f"{name}.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: .*nowhere.*\n", done.stderr)


def test_each_ends_as_the_commands_do():
    assert [script.name for script in BENCHMARKS if "    run_script(main)\n" not in script.read_text()] == []


def test_each_has_a_make_target():
    makefile = (ROOT / "Makefile").read_text()
    assert len(BENCHMARKS) > 8
    assert [script.name for script in BENCHMARKS if f"benchmarks/{script.name}" not in makefile] == []


@pytest.mark.toolkit
def test_robustness_writes_its_page(tmp_path):
    out = tmp_path / "robustness"
    done = run(ROOT / "benchmarks" / "robustness.py", "--data", "synthetic", "--limit", 28, "--out", out)
    assert done.returncode == 0, done.stderr
    (measured,) = json.loads(out.with_suffix(".json").read_text())["models"].values()
    page = out.with_suffix(".md").read_text()
    assert page == done.stdout
    assert f"| mean |  |  | **{100 * measured['mean_kept']:.1f} %** |" in page


def test_the_packaged_model_is_measured_on_press_faces(shared_dir):
    if not (shared_dir / "data" / "press").is_dir():
        pytest.skip(f"no press faces in {shared_dir}")
    packaged = ROOT / "device" / "data" / "fer7_int8.tflite"
    done = run(ROOT / "benchmarks" / "press.py", "--press", shared_dir / "data" / "press", "--json", packaged)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    low, high = found["interval"]
    assert (
        found["n"]
        == 1265
        == sum(
            entry["n"]
            for name, entry in found["report"]["per_class"].items()
            if name not in ("fear", "disgust")
        )
    )
    assert 0.7 < low < found["balanced_accuracy"] < high < 0.9


@pytest.mark.toolkit
def test_no_row_of_a_fleet_is_lost_and_its_page_has_a_row_a_board():
    if shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("mosquitto is not installed")
    pytest.importorskip("paho.mqtt.client", reason="the extra 'mqtt' is not installed")
    done = run(ROOT / "benchmarks" / "fleet.py", "--boards", "5", "--seconds", "2", "--no-update")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["broker"]["rows"] == 10
    assert found["report"]["boards"] == 5
