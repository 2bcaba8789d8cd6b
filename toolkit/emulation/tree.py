"""Arm64 Debian trees to run the device's code in, under qemu-user: made once, kept in the user's cache."""

import contextlib
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from device.child_processes import last_words
from device.errors import EdgeError
from device.storage import cache_folder

log = logging.getLogger(__name__)
PROGRAMS = {"qemu-aarch64": "qemu-user", "mmdebstrap": "mmdebstrap", "gcc": "gcc"}
VARIABLE = "FER_EDGE_ARM64"
OLDEST_GLIBC = 17  # of the wheels that PyPI has for aarch64: manylinux2014


@dataclass(frozen=True)
class System:
    """A Debian release: its Python and the minor number of its glibc, which says what wheels fit."""

    suite: str
    python: str
    glibc: int

    def tree(self) -> Path:
        """Return where its tree stands: in $FER_EDGE_ARM64, else in the user's cache."""
        return Path(os.environ.get(VARIABLE) or cache_folder() / "arm64") / self.suite

    def platforms(self) -> list[str]:
        """Return the tags of the wheels that pip takes on it."""
        versions = range(self.glibc, OLDEST_GLIBC - 1, -1)
        return [*(f"manylinux_2_{minor}_aarch64" for minor in versions), "manylinux2014_aarch64"]


BOOKWORM = System("bookworm", "3.11", 36)
TRIXIE = System("trixie", "3.13", 41)


def missing_programs() -> list[str]:
    """Return the Debian packages that emulation needs and that are not installed."""
    return [package for program, package in PROGRAMS.items() if shutil.which(program) is None]


def ensure_tree(system: System) -> Path:
    """Return the system's arm64 tree with Python in it, made first where there is none (80 MB, half a minute).

    Raises EdgeError with the line that installs what is missing, or with what went wrong.
    """
    missing = missing_programs()
    if missing:
        raise EdgeError(f"estimates need an emulator: apt install {' '.join(missing)}, then run this again")
    tree = system.tree()
    if not tree.exists():
        log.info(f"making an arm64 system in {tree} (80 MB, half a minute, once)")
        with _whole(tree) as partial:
            _debian(system, partial)
            _describe_processors(partial)
            _compile_counter(partial)
    return tree


def ensure_packages(system: System, requirements: Sequence[str]) -> Path:
    """Return a folder with the wheels that pip chooses on ``system`` for ``requirements``; 200 MB, made once.

    Raises EdgeError if pip finds none that fit.
    """
    key = hashlib.sha256("\n".join(sorted(requirements)).encode()).hexdigest()[:12]
    folder = ensure_tree(system) / "opt" / f"packages-{key}"
    if not folder.exists():
        log.info(f"fetching {', '.join(requirements)} for aarch64 (200 MB, once)")
        with _whole(folder) as partial:
            install_wheels(system, requirements, partial)
    return folder


def install_wheels(system: System, requirements: Sequence[str], folder: Path, *options: str) -> None:
    """Let pip choose and unpack wheels for ``system`` into ``folder``, as it would on the board.

    ``requirements``: as pip takes them, wheel files too. Raises EdgeError if it finds none that fit.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    command += [part for tag in system.platforms() for part in ("--platform", tag)]
    command += ["--python-version", system.python, "--only-binary=:all:", "--no-compile"]
    _run([*command, "--target", str(folder), *requirements], "pip cannot install the aarch64 wheels")


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Give a folder beside ``target`` to fill, which becomes ``target`` unless another process was faster."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        partial = Path(folder) / "partial"
        yield partial
        try:
            os.replace(partial, target)
        except OSError:
            if not target.is_dir():
                raise


def _debian(system: System, tree: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--architectures=arm64", "--variant=extract"]
    # base-files makes /lib; the wheels want libstdc++, which every Raspberry Pi OS has.
    command += ["--include=base-files,python3,libstdc++6", system.suite, str(tree)]
    _run([*command, *_mirrors()], f"mmdebstrap cannot make the arm64 {system.suite}")


def _mirrors() -> list[str]:
    """Return the Debian mirror that this machine uses; on another distribution none, for mmdebstrap's own."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    try:
        found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    except OSError:
        return []
    return [address for address in dict.fromkeys(found) if address.endswith("/debian/")][:1]


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
        raise EdgeError(f"{what}: {last_words(done)}")
