"""Fixtures: the project's sdist and wheel, built from a copy of this tree as ``make dist`` builds them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package_index():
    """Skips where pip reaches no package index."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
    ]
    probe = subprocess.run([*command, "--retries", "0", "build"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip("pip reaches no package index: " + probe.stderr.strip().splitlines()[-1])


def install_into(environment: Path, *requirements: str) -> subprocess.CompletedProcess:
    """Install by this pip into another environment, which is made without one of its own if it is not there."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-compile",
        *requirements,
    ]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="session")
def source_tree(tmp_path_factory) -> Path:
    """A copy of what a package is made of; building beside the tree leaves nothing in it."""
    copy = tmp_path_factory.mktemp("source")
    for package in ("device", "toolkit"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    (copy / "models").mkdir()
    shutil.copy(ROOT / "models/get_yunet.py", copy / "models")  # building runs it
    return copy


@pytest.fixture(scope="session")
def distributions(source_tree, package_index, tmp_path_factory) -> Path:
    """A folder with the sdist and the wheel, which is built from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", out, source_tree], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="session")
def wheel(distributions) -> Path:
    """The project's wheel."""
    (path,) = distributions.glob("*.whl")
    return path
