"""The state of the board: model, temperature, throttling, governor, memory."""

import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# vcgencmd get_throttled: bits 0 to 3 hold now, 16 to 19 have held since the start.
UNDER_VOLTAGE = "under-voltage"
THROTTLED_BITS = (UNDER_VOLTAGE, "frequency capped", "throttled", "soft temperature limit")


@dataclass(frozen=True)
class BoardState:
    """A board at one moment; what it does not tell is None. ``temperature_c`` is degrees Celsius."""

    model: str | None
    machine: str
    bits: int
    system: str | None
    temperature_c: float | None
    throttled_now: tuple[str, ...] | None
    throttled_before: tuple[str, ...] | None
    governor: str | None
    memory_mb: int | None

    def to_json(self) -> dict[str, Any]:
        document = asdict(self)
        for name in ("throttled_now", "throttled_before"):
            document[name] = None if document[name] is None else list(document[name])
        return document


def read_board(root: Path = Path("/"), vcgencmd: Callable[[str], str | None] | None = None) -> BoardState:
    """Return the state of the board whose files stand under ``root``; ``vcgencmd(question)`` asks the firmware."""
    now, before = _throttling(root, (vcgencmd or ask_firmware)("get_throttled"))
    return BoardState(
        model=_text(root / "proc/device-tree/model"),
        machine=platform.machine(),
        bits=64 if sys.maxsize > 2**32 else 32,
        system=_system(root),
        temperature_c=_temperature_c(root),
        throttled_now=now,
        throttled_before=before,
        governor=_text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        memory_mb=_memory_mb(root),
    )


def now_utc() -> datetime:
    """Return the date and time by the system's clock, which may be stepped while a program runs."""
    return datetime.now(UTC)


def clock_is_set(root: Path = Path("/")) -> bool | None:
    """Return whether systemd-timesyncd has set the clock since the start; None where that service does not run.

    A Raspberry Pi without a battery starts with the time at which it was switched off.
    """
    folder = root / "run/systemd/timesync"
    return (folder / "synchronized").exists() if folder.is_dir() else None


def ask_firmware(question: str) -> str | None:
    """Return what ``vcgencmd QUESTION`` prints, or None where there is no such program or permission."""
    try:
        done = subprocess.run(["vcgencmd", question], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _throttling(root: Path, told: str | None) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return what throttles now and what has since the start, by firmware, else by the kernel's voltage alarm."""
    if told is not None and told.startswith("throttled="):
        bits = int(told.removeprefix("throttled="), 16)
        now = tuple(name for bit, name in enumerate(THROTTLED_BITS) if bits >> bit & 1)
        before = tuple(name for bit, name in enumerate(THROTTLED_BITS, 16) if bits >> bit & 1)
        return now, before
    for sensor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(sensor / "name") == "rpi_volt":
            return ((UNDER_VOLTAGE,) if _text(sensor / "in0_lcrit_alarm") == "1" else ()), None
    return None, None


def _temperature_c(root: Path) -> float | None:
    told = _text(root / "sys/class/thermal/thermal_zone0/temp")
    return int(told) / 1000 if told and told.lstrip("-").isdigit() else None


def _system(root: Path) -> str | None:
    lines = (_text(root / "etc/os-release") or "").splitlines()
    named = [line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")]
    return named[0] if named else None


def _memory_mb(root: Path) -> int | None:
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return None
