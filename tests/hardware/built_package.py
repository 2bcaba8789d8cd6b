"""Fixtures: the project's sdist and wheel, built from a copy of this tree as ``make dist`` builds them."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
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


def install_into(environment: Path, *requirements: str | Path) -> subprocess.CompletedProcess:
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
def built(package_index) -> Path:
    """A folder with ``source``, a copy of what a package is made of, and ``dist``, what was built of it.

    It stays in ``build/tested``, under the digest of the copy, for all that test the same tree.
    """
    tested = ROOT / "build" / "tested"
    tested.mkdir(parents=True, exist_ok=True)
    with open(tested / "lock", "w") as lock, tempfile.TemporaryDirectory(dir=tested) as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = Path(folder) / "made"
        copy_source(made / "source")
        kept = tested / digest_of(made / "source")
        if not kept.exists():
            command = [sys.executable, "-m", "build", "--outdir", made / "dist", made / "source"]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            made.rename(kept)
    return kept


def copy_source(to: Path) -> None:
    """Copy what a package is made of; building beside the tree leaves nothing in it."""
    for package in ("device", "toolkit"):
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, to)
    (to / "models").mkdir()
    shutil.copy(ROOT / "models/get_yunet.py", to / "models")  # building runs it


def digest_of(tree: Path) -> str:
    """Return the SHA-256 of all names and contents below a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(tree)}:{path.stat().st_size}:".encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="session")
def source_tree(built) -> Path:
    """A copy of what a package is made of."""
    return built / "source"


@pytest.fixture(scope="session")
def distributions(built) -> Path:
    """A folder with the sdist and the wheel, which is built from the sdist."""
    return built / "dist"


@pytest.fixture(scope="session")
def wheel(distributions) -> Path:
    """The project's wheel."""
    (path,) = distributions.glob("*.whl")
    return path
