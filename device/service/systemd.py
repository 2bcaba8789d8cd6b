"""systemd's side of the service: its unit put in place, enabled, started, and taken away again."""

import logging
import os
import shlex
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from device.errors import EdgeError
from device.files import OWNER_ONLY, locked, write_whole
from device.service.credentials import hand_over
from device.service.unit import ENVIRONMENT, NAME, UNIT_FOLDER, Needs, program_path, unit_text

log = logging.getLogger(__name__)

LONGEST_ORDER_S = 90  # of systemctl: more than the unit's TimeoutStartSec


def install_unit(
    arguments: Sequence[str],
    folder: Path = UNIT_FOLDER,
    overwrite: bool = False,
    start: bool = True,
    needs: Needs | None = None,
) -> Path:
    """Write the unit and, for passwords, ``ENVIRONMENT`` into ``folder``; with ``start``, enable and start it.

    Needs root. Raises EdgeError where the service, a user of its own, could not reach the program or a file that it
    reads, and where systemctl fails: a unit that was not there before is then taken back.
    """
    needs, program = needs or Needs(), program_path()
    if start:
        for path in (program, *needs.read):
            _refuse_closed(path)
    with locked(folder):
        files = {
            folder / ENVIRONMENT: (hand_over(arguments).environment_text, OWNER_ONLY),
            folder / f"{NAME}.service": (unit_text(arguments, program, folder, needs), 0o644),
        }
        return _install_unit(files, overwrite, start)


def _install_unit(files: dict[Path, tuple[str, int]], overwrite: bool, start: bool) -> Path:
    *_, path = files
    was_there = path.exists()
    for one, (text, mode) in files.items():
        if (one.read_text(errors="replace") if one.is_file() else "") == text:
            continue
        if was_there and not overwrite:
            raise EdgeError(f"{path} exists already and says something else; pass `overwrite` to replace it")
        if text:
            write_whole(one, text, mode=mode)
        else:
            one.unlink(missing_ok=True)
    if start:
        try:
            for order in (("daemon-reload",), ("enable", NAME), ("restart", NAME)):
                systemctl(*order)
        except EdgeError as error:
            if not was_there:
                _take_away(path)
            taken = "" if was_there else f"{path} is taken back; "
            raise EdgeError(f"{error}; {taken}`no_start` only writes the unit") from error
    return path


def remove_unit(folder: Path = UNIT_FOLDER) -> Path:
    """Stop and disable the service and delete its unit; what it stored stays.

    Where systemctl fails the unit is deleted all the same, which is logged.
    """
    path = folder / f"{NAME}.service"
    if not path.is_file():
        raise EdgeError(f"no {path}; the service is not installed")
    if failures := _take_away(path):
        log.warning(
            "%s; %s is removed, but a service that runs goes on until the next start", failures[0], path
        )
    return path


def _take_away(path: Path) -> list[str]:
    failures = _failures("disable", "--now", NAME)
    try:
        path.unlink()
        path.with_name(ENVIRONMENT).unlink(missing_ok=True)
    except OSError as error:
        raise EdgeError(f"cannot remove {path}: {error.strerror}; try sudo") from error
    return failures + _failures("daemon-reload")


def systemctl(*arguments: str) -> None:
    """Run systemctl; EdgeError with the first line of what it says where it fails."""
    asked = f"systemctl {shlex.join(arguments)}"
    try:
        done = subprocess.run(
            ["systemctl", *arguments], capture_output=True, text=True, timeout=LONGEST_ORDER_S, check=False
        )
    except OSError as error:
        raise EdgeError(f"cannot run systemctl: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise EdgeError(f"{asked} took longer than {LONGEST_ORDER_S} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise EdgeError(f"{asked} failed: {said[0]}")


def _failures(*arguments: str) -> list[str]:
    try:
        systemctl(*arguments)
    except EdgeError as error:
        return [str(error)]
    return []


def _refuse_closed(path: str) -> None:
    """Raise EdgeError unless every user may read ``path``, a file, a folder or a device."""
    if not os.path.exists(path):
        raise EdgeError(f"no such file: {path}; the service could not start")
    for folder in (*reversed(Path(path).parents), *reversed(Path(os.path.realpath(path)).parents)):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise EdgeError(
                f"{folder} lets no other user in, and the service runs as a user of its own; "
                f"chmod o+x {shlex.quote(str(folder))}, or keep {os.path.basename(path)} under /opt"
            )
    if os.path.isfile(path) and not os.stat(path).st_mode & stat.S_IROTH:
        raise EdgeError(
            f"{path} can be read by no other user, as the service is one; chmod o+r {shlex.quote(path)}"
        )
