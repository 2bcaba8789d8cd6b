"""Is this device fit to run? Each check says ok, warn or fail, what it saw, and the remedy."""

import importlib.metadata
import platform
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from device.board.state import UNDER_VOLTAGE, BoardState, read_board
from device.capture.health import BLACK_LEVEL
from device.capture.live_capture import opened_frames
from device.capture.sources import find_camera, open_source
from device.errors import EdgeError
from device.faces.detectors import DETECTORS

HOT_C, TOO_HOT_C = 70.0, 80.0  # a Raspberry Pi slows down from 80 degrees on
CAMERA_FRAMES = 5
NEEDED = ("numpy", "opencv-python-headless", "click", "ai-edge-litert")


@dataclass(frozen=True)
class Check:
    """One finding; ``status`` is ok, warn or fail; ``remedy`` is empty where nothing is to be done."""

    name: str
    status: str
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    def line(self) -> str:
        return f"{self.status:<5}{self.name:<12}{self.found}" + (f" → {self.remedy}" if self.remedy else "")


def examine(
    source: str | None = None,
    model: str | None = None,
    delegate: str | None = None,
) -> list[Check]:
    """Return all checks; ``source`` and ``model`` None: the device's own camera, the model that would run."""
    return [
        *check_board(read_board()),
        *check_versions(),
        _guarded("model", lambda: check_model(model, delegate)),
        *(_guarded(name, partial(check_detector, name)) for name in DETECTORS),
        _guarded("camera", lambda: check_source(source)),
    ]


def check_board(board: BoardState) -> Iterator[Check]:
    """Yield the checks of the board: 64 bits, temperature, throttling, governor."""
    yield Check("board", "ok", f"{board.model or 'no device tree'}, {board.system or platform.system()}")
    wide = board.bits == 64
    yield Check(
        "64-bit",
        "ok" if wide else "fail",
        f"{board.machine}, {board.bits}-bit",
        "" if wide else "install the 64-bit Raspberry Pi OS: LiteRT, OpenCV and numpy have no 32-bit wheels",
    )
    yield _temperature(board.temperature_c)
    yield from _throttling(board)
    slow = board.governor == "powersave"
    yield Check(
        "governor",
        "warn" if slow else "ok",
        board.governor or "not told",
        "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor" if slow else "",
    )


def _temperature(celsius: float | None) -> Check:
    if celsius is None:
        return Check("temperature", "ok", "not told")
    if celsius < HOT_C:
        return Check("temperature", "ok", f"{celsius:.1f} °C")
    status = "warn" if celsius < TOO_HOT_C else "fail"
    return Check(
        "temperature",
        status,
        f"{celsius:.1f} °C",
        "add a heat sink or fan: the board slows down from 80 °C on",
    )


def _throttling(board: BoardState) -> Iterator[Check]:
    if board.throttled_now is None:
        yield Check("throttling", "ok", "not told (no vcgencmd, no voltage sensor)")
        return
    now, before = board.throttled_now, board.throttled_before or ()
    yield _lasting(
        "power",
        "under-voltage now" if UNDER_VOLTAGE in now else "",
        "under-voltage since the start" if UNDER_VOLTAGE in before else "",
        "no under-voltage",
        "use the official power supply and a short cable",
    )
    slowed, was = (", ".join(one for one in told if one != UNDER_VOLTAGE) for told in (now, before))
    yield _lasting(
        "throttling",
        slowed and f"now: {slowed}",
        was and f"since the start: {was}",
        "none",
        "cool the board; figures measured meanwhile are too slow",
    )


def _lasting(name: str, now: str, before: str, neither: str, remedy: str) -> Check:
    """Return a check that fails for what is so ``now`` and warns of what was ``before``, '' where it is not."""
    if not now and not before:
        return Check(name, "ok", neither)
    return Check(name, "fail" if now else "warn", now or before, remedy)


def check_versions() -> Iterator[Check]:
    """Yield the versions of what the runtime stands on."""
    there = {name: _version(name) for name in NEEDED}
    missing = [name for name in NEEDED if there[name] is None]
    told = ", ".join(f"{name} {version}" for name, version in there.items() if version)
    yield Check(
        "versions",
        "fail" if missing else "ok",
        f"Python {platform.python_version()}, {told}",
        f"pip install {' '.join(missing)}" if missing else "",
    )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_model(path: str | None, delegate: str | None = None) -> Check:
    """Load the model and let it judge one picture."""
    from device.model.expression_model import load_model
    from device.service.model_store import current_model, lost_model, smoke_test

    if path is None and (said := lost_model()):
        return _told("model", "fail", EdgeError(said))
    model = load_model(path or current_model(), delegate=delegate)
    milliseconds = smoke_test(model)
    return Check(
        "model", "ok", f"{model.path}: {len(model.labels)} labels, one inference {milliseconds:.2f} ms"
    )


def check_detector(name: str) -> Check:
    """Create the detector; a file that is still to be fetched is only a warning."""
    from device.faces.detectors import create_detector
    from device.faces.detectors.yunet_file import NotFetchedError

    try:
        return Check(name, "ok", str(create_detector(name).path))
    except NotFetchedError as error:
        return _told(name, "warn", error)


def check_source(spec: str | None) -> Check:
    """Open the source and wait for some frames; black ones are a warning."""
    source = find_camera() if spec is None else open_source(spec)
    stop = threading.Event()
    faults: list[str] = []

    def end_by(fault: str) -> None:
        faults.append(fault.partition("; ")[0])  # what follows is what a run would do now
        stop.set()

    levels = []
    with opened_frames(source, stop, end_by) as (frames, _):
        for frame in frames:
            levels.append(float(np.mean(frame.image[::8, ::8])))
            size_wh = frame.size_wh
            if len(levels) == CAMERA_FRAMES:
                break
    black = bool(levels) and max(levels) <= BLACK_LEVEL
    if not levels or (faults and not black):
        found = faults[0] if faults else f"{source.name} delivered nothing"
        return Check("camera", "fail", found, "check cable and power")
    told = f"{source.name} delivers {size_wh[0]}x{size_wh[1]}"
    if black:
        return Check("camera", "warn", told + ", but black", "uncover the lens, or light the room")
    return Check("camera", "ok", told)


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """Return what ``check`` finds; its error, and a file that the system refuses, is a fail."""
    try:
        return check()
    except EdgeError as error:
        return _told(name, "fail", error)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        remedy = "check who may read it" if isinstance(error, PermissionError) else ""
        return Check(name, "fail", f"{place}{error.strerror or error}", remedy)


def _told(name: str, status: str, error: EdgeError) -> Check:
    """Return a failed check for an error, whose text already names the remedy."""
    return Check(name, status, *error.parts)
