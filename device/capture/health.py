"""Faults of a live source's pictures: black, frozen, resized."""

from collections import deque
from collections.abc import Callable

import numpy as np

from device.errors import EdgeError
from device.frames import Frame

BLACK_LEVEL = 6.0  # mean gray; a covered lens in a lit room gives 10 and more
BLACK_S, BLACK_AGAIN_S = 2.0, 1800.0
FROZEN_S = 5.0  # a sensor's noise never repeats a picture; sources that compress say their own time
# Without a picture unlike the last few: some that take turns, or one with a clock drawn into it.
STALE_S = 60.0
REMEMBERED = 8
# A sensor's noise changes some percent of the pixels by 2 levels and more, from one picture to the next.
CHANGED_LEVELS, CHANGED_RATIO = 2, 0.01


class FrameHealth:
    """Looks at every 16th pixel of each frame of a live source; ``on_fault`` gets one line a fault.

    It lives across reopenings: a lasting fault is reported once, and a frozen camera has to show something new.
    """

    def __init__(self, name: str, on_fault: Callable[[str], None], frozen_s: float | None = None):
        self.name = name
        self.on_fault = on_fault
        self.frozen_s = frozen_s or FROZEN_S
        self._last: np.ndarray | None = None
        self._known: deque[np.ndarray] = deque(maxlen=REMEMBERED)
        self._changed_s = self._new_s = 0.0
        self._frozen = False
        self._bright_s: float | None = None
        self._black_said_s: float | None = None
        self._size_wh: tuple[int, int] | None = None

    def opened(self) -> None:
        """Begin all waiting anew: a camera that was frozen, or starts dark, gets its time again."""
        self._last = None
        self._new_s = 0.0
        if self._black_said_s is None:
            self._bright_s = None

    def check(self, frame: Frame) -> bool:
        """Return whether the picture is worth passing on: False after a freeze, until something new is shown.

        Black or resized pictures are told; EdgeError for a camera that repeats one picture, or a few in turns.
        """
        now_s = frame.captured_ns / 1e9
        sample = frame.image[::16, ::16].astype(np.int16)
        level = float(sample.mean())
        # Many cameras cut the noise off a dark room's picture: it repeats all night, and they are well.
        self._check_frozen(sample, level <= BLACK_LEVEL, now_s)
        self._check_black(level, now_s)
        if self._size_wh not in (None, frame.size_wh):
            self.on_fault(
                f"{self.name} changed its picture from {self._size_wh} to {frame.size_wh}; faces start anew"
            )
        self._size_wh = frame.size_wh
        return not self._frozen

    def _check_frozen(self, sample: np.ndarray, black: bool, now_s: float) -> None:
        if self._last is None or not np.array_equal(sample, self._last):
            self._last, self._changed_s = sample, now_s
        if black or not any(_alike(sample, known) for known in self._known):
            self._known.append(sample)
            self._new_s, self._frozen = now_s, False
        if black:
            self._changed_s = now_s
        self._new_s = self._new_s or now_s  # just opened
        if now_s - self._changed_s > self.frozen_s:
            self._frozen = True
            raise EdgeError(f"{self.name} is frozen: the same picture for {self.frozen_s:g} s")
        if now_s - self._new_s > max(STALE_S, self.frozen_s):
            self._frozen = True
            raise EdgeError(
                f"{self.name} is frozen: nothing new in its pictures for {now_s - self._new_s:.0f} s"
            )

    def _check_black(self, level: float, now_s: float) -> None:
        if level > BLACK_LEVEL or self._bright_s is None:
            if self._black_said_s is not None:
                self.on_fault(f"{self.name} shows a picture again")
            self._bright_s, self._black_said_s = now_s, None
            return
        due_s = self._bright_s + BLACK_S if self._black_said_s is None else self._black_said_s + BLACK_AGAIN_S
        if now_s > due_s:
            lasting = (
                "" if self._black_said_s is None else f" for {(now_s - self._bright_s) / 60:.0f} minutes"
            )
            self.on_fault(
                f"{self.name} delivers black pictures{lasting}; is the lens covered, or the room dark?"
            )
            self._black_said_s = now_s


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two samples ``(h, w)`` or ``(h, w, 3)`` int16 differ by less than a sensor's noise."""
    if one.shape != other.shape:
        return False
    changed = np.count_nonzero(np.abs(one - other) >= CHANGED_LEVELS)
    return bool(changed < CHANGED_RATIO * one.size)
