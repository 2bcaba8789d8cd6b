"""An arm64 Debian tree to run the device's code in, under qemu-user: made once, kept in the user's cache."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from device.errors import EdgeError

PROGRAMS = {"qemu-aarch64": "qemu-user", "mmdebstrap": "mmdebstrap", "gcc": "gcc"}
PACKAGES = ("numpy", "opencv-python-headless>=4.11,<5", "ai-edge-litert>=2.1,<3")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
SUITE, PYTHON = "bookworm", "3.11"
READY = "fer-edge-ready"
SITE = "opt/fer-edge"
VARIABLE = "FER_EDGE_ARM64"


def tree_path() -> Path:
    """Return where the tree stands: $FER_EDGE_ARM64, else in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(VARIABLE) or cache / "fer-edge" / "arm64")


def missing_programs() -> list[str]:
    """Return the Debian packages that emulation needs and that are not installed."""
    return [package for program, package in PROGRAMS.items() if shutil.which(program) is None]


def ensure_tree(progress: Callable[[str], None] = lambda line: None) -> Path:
    """Return the arm64 tree, made first where there is none (540 MB, about a minute).

    Raises EdgeError with the line that installs what is missing, or with what went wrong.
    """
    missing = missing_programs()
    if missing:
        raise EdgeError(f"estimates need an emulator: apt install {' '.join(missing)}, then run this again")
    tree = tree_path()
    if (tree / READY).exists():
        return tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    progress(f"making an arm64 system in {tree} (540 MB, about a minute, once)")
    with tempfile.TemporaryDirectory(dir=tree.parent, prefix=".arm64-") as folder:
        partial = Path(folder) / "tree"
        _debian(partial)
        _wheels(partial, Path(folder) / "wheels")
        _describe_processors(partial)
        _compile_counter(partial)
        (partial / READY).write_text("1\n")
        shutil.rmtree(tree, ignore_errors=True)
        os.replace(partial, tree)
    return tree


def _debian(tree: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--architectures=arm64", "--variant=extract"]
    command += ["--include=python3,libgl1,libglib2.0-0", SUITE, str(tree)]
    _run([*command, *_mirrors()], "mmdebstrap cannot make the arm64 system")


def _mirrors() -> list[str]:
    """Return the Debian mirror that this machine uses; on another distribution none, for mmdebstrap's own."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    try:
        found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    except OSError:
        return []
    return [address for address in dict.fromkeys(found) if address.endswith("/debian/")][:1]


def _wheels(tree: Path, folder: Path) -> None:
    platforms = [part for name in PLATFORMS for part in ("--platform", name)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += [*platforms, "--python-version", PYTHON, "--only-binary=:all:", "-d", str(folder), *PACKAGES]
    _run(command, "pip cannot fetch the aarch64 wheels")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tree / SITE)


def _describe_processors(tree: Path) -> None:
    # Without these the cpuinfo library fails, or reads the host's, and XNNPACK is silently off.
    for name in ("possible", "present"):
        path = tree / "sys/devices/system/cpu" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0-3\n")
    (tree / "proc").mkdir(exist_ok=True)


def _compile_counter(tree: Path) -> None:
    source = str(resources.files("toolkit.emulation") / "counter.c")
    command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(tree / "counter.so"), source]
    _run(command, "gcc cannot compile the counting plugin")


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (
            done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}"
        ).splitlines()[-1]
        raise EdgeError(f"{what}: {reason}")
