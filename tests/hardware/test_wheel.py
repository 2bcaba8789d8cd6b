"""The wheel in environments that hold nothing else: every Python the package names, as far as it is on this machine,
those between the oldest and the newest by ``make test-slow``.

The tests of ``device`` run against the installed package, from a copy of ``tests/`` outside this repository. Needs the
package index; some minutes.
"""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from built_package import install_into

from device.faces.detectors.yunet_file import YUNET_NAME

ROOT = Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
OLDEST, *BETWEEN, NEWEST = re.findall(r"Python :: (3\.\d+)", SETUP["metadata"]["classifiers"])
VERSIONS = [OLDEST, *(pytest.param(version, marks=pytest.mark.slow) for version in BETWEEN), NEWEST]

# Of what depends on the versions of packages; the others run in the suite.
DEVICE_TESTS = [
    f"tests/device/{room}"
    for room in ("model/test_expression_model.py", "model/file/test_metadata.py", "faces", "capture")
]

# Beside the copied tests: what they import is the installed package.
WHERE = """
import sys, device, toolkit
def test_the_packages_are_the_installed_ones():
    for package in (device, toolkit):
        assert package.__file__.startswith(sys.prefix), package.__file__
"""
COMMANDS = re.findall(r"^### ((?:toolkit|device) .+)$", (ROOT / "docs" / "REFERENCE.md").read_text(), re.M)
KERAS_MODEL = ROOT / "models" / "best.keras"
NEED_TENSORFLOW = (
    ("quantize", "--model", KERAS_MODEL, "--out", "q.tflite"),
    ("evaluate", "--model", KERAS_MODEL, "--data", "synthetic"),
    ("benchmark", "--model", KERAS_MODEL),
)
PROGRESS = ("evaluating ", "timing ")


def find_python(version: str) -> str | None:
    """An interpreter of this version that can make environments: on PATH, else among pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    for candidate in filter(None, (shutil.which(f"python{version}"), *map(str, installed))):
        done = subprocess.run([candidate, "-c", "import ensurepip, venv"], capture_output=True)
        if done.returncode == 0:  # pyenv's shim of a version that is not chosen ends with an error
            return candidate
    return None


class Environment:
    """A virtual environment: its folder, and commands run with its programs."""

    def __init__(self, python: str, folder: Path):
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        self.folder = folder

    def run(self, program: str, *arguments, cwd: Path | None = None) -> subprocess.CompletedProcess:
        command = [self.folder / "bin" / program, *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=clean)

    def install(self, *requirements: str | Path) -> None:
        done = install_into(self.folder, *requirements)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=VERSIONS)
def environment(request, wheel, tmp_path_factory) -> Environment:
    """A clean environment of one Python with only the wheel and what the tests need."""
    python = find_python(request.param)
    if python is None:
        pytest.skip(f"no python{request.param} here, neither on PATH nor among pyenv's")
    made = Environment(python, tmp_path_factory.mktemp("environment") / request.param)
    made.install(f"{wheel}[mqtt,test]")
    return made


@pytest.fixture(scope="module")
def without_tensorflow(wheel, tmp_path_factory) -> Environment:
    """An environment with the wheel and all that the toolkit extra asks for but TensorFlow."""
    wanted = SETUP["options.extras_require"]["toolkit"].split("\n")
    made = Environment(sys.executable, tmp_path_factory.mktemp("environment") / "without")
    made.install(wheel, *(line for line in wanted if line and not line.startswith("tensorflow")))
    return made


@pytest.fixture(scope="module")
def faces(without_tensorflow, tmp_path_factory) -> Path:
    """Synthetic faces, written by the installed toolkit."""
    folder = tmp_path_factory.mktemp("synthetic") / "faces"
    done = without_tensorflow.run("toolkit", "data", "synth", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_made_of_the_sdist_holds_every_file_of_the_packages(distributions, wheel, source_tree):
    paths = [path for name in ("device", "toolkit") for path in (source_tree / name).rglob("*")]
    files = [path for path in paths if path.is_file() and path.suffix != ".pyc"]  # building imports some
    expected = {str(path.relative_to(source_tree)): path.read_bytes() for path in files}
    with zipfile.ZipFile(wheel) as archive:
        packed_files = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
        assert sorted(packed_files) == sorted(expected)
        assert [name for name in expected if packed_files[name] != expected[name]] == []
        licences = {Path(name).name for name in archive.namelist() if ".dist-info/licenses/" in name}
        assert licences >= {"LICENSE", "NOTICE"}
    assert f"device/data/{YUNET_NAME}" in expected  # building fetched it
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert packed >= {
        *expected,
        "LICENSE",
        "NOTICE",
        "README.md",
        "pyproject.toml",
        "setup.py",
        "models/get_yunet.py",
    }


def test_the_device_tests_pass_on_the_installed_package(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_EDGE_SHARED", os.environ.get("FER_EDGE_SHARED", str(ROOT.parent / "shared")))
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "test_where.py").write_text(WHERE)
    done = environment.run("python", "-m", "pytest", *DEVICE_TESTS, "test_where.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    print(done.stdout.strip().splitlines()[-1])


def test_no_requirement_is_broken(environment):
    command = [sys.executable, "-m", "pip", "--python", environment.folder / "bin" / "python", "check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_help_answers_without_the_toolkit_extra(environment):
    assert len(COMMANDS) > 10
    for command in COMMANDS:
        done = environment.run(*command.split(), "--help")
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.startswith(f"Usage: {command} ")


def test_the_shipped_model_runs_on_the_demo_source(environment, tmp_path):
    done = environment.run("device", "run", "--source", "demo", "--max-frames", "20", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 20
    assert "Haar" not in done.stderr  # YuNet is there


def test_the_toolkit_without_its_extra_names_it(environment, tmp_path):
    for arguments in (("train", "--data", tmp_path), *NEED_TENSORFLOW):
        expect_the_extra_named(environment.run("toolkit", *arguments, cwd=tmp_path))


def test_what_needs_tensorflow_names_the_extra(without_tensorflow, faces, tmp_path):
    for arguments in (("train", "--data", faces), *NEED_TENSORFLOW):
        expect_the_extra_named(without_tensorflow.run("toolkit", *arguments, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def expect_the_extra_named(done: subprocess.CompletedProcess) -> None:
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if not line.startswith(PROGRESS)]
    assert len(errors) == 1, done.stderr
    assert errors[0].startswith("error: this command needs the package '")
    assert "pip install" in errors[0]
    assert '"fer_edge-VERSION-py3-none-any.whl[toolkit]"' in errors[0]


def test_what_needs_no_tensorflow_works_without(without_tensorflow, faces, tiny_tflite, tmp_path):
    for arguments in (
        ("data", "inspect", faces),
        ("evaluate", "--model", tiny_tflite, "--data", faces, "--out", "evaluation.json"),
        ("benchmark", "--model", tiny_tflite, "--runs", "20", "--out", "benchmark.json"),
        ("report", "evaluation.json", "benchmark.json", "--out", "report.html"),
        ("train", "--list-archs"),
    ):
        done = without_tensorflow.run("toolkit", *arguments, cwd=tmp_path)
        assert done.returncode == 0, f"{arguments[0]}: {done.stderr}"
    assert "tiny_int8" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pipx", "uv"])
def test_an_installer_of_programs_takes_the_wheel(installer, wheel, tmp_path, monkeypatch):
    """``pipx install WHEEL`` and ``uv tool install WHEEL`` as the quick start prints them."""
    tools = Environment(sys.executable, tmp_path / "tools")
    tools.install(installer)
    for variable in ("PIPX_HOME", "PIPX_BIN_DIR", "UV_TOOL_DIR", "UV_TOOL_BIN_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / ("bin" if "BIN" in variable else "home")))
    monkeypatch.setenv("UV_PYTHON", sys.executable)
    words = ("install",) if installer == "pipx" else ("tool", "install")
    done = tools.run(installer, *words, f"{wheel}[mqtt]")
    assert done.returncode == 0, done.stderr
    command = [tmp_path / "bin" / "device", "run", "--source", "demo", "--max-frames", "5", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 5
    assert (tmp_path / "bin" / "toolkit").exists()
