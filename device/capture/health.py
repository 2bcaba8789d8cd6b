"""Is what a camera delivers alive? Black, frozen and resized pictures."""

import zlib
from collections.abc import Callable

import numpy as np

from device.errors import EdgeError
from device.frames import Frame

BLACK_LEVEL = 6.0  # mean gray; a covered lens in a lit room gives 10 and more
BLACK_S = 2.0
FROZEN_S = 5.0  # a sensor's noise never repeats a picture; sources that compress say their own time


class FrameHealth:
    """Looks at every 16th pixel of each frame of a live source; ``on_fault`` gets one line a fault.

    It outlives the source's openings, so that what lasts is said once.
    """

    def __init__(self, name: str, on_fault: Callable[[str], None], frozen_s: float | None = None):
        self.name = name
        self.on_fault = on_fault
        self.frozen_s = frozen_s or FROZEN_S
        self._digest: int | None = None
        self._changed_s = 0.0
        self._bright_s: float | None = None
        self._black_said = False
        self._size_wh: tuple[int, int] | None = None

    def opened(self) -> None:
        """Begin all waiting anew: a camera that was frozen, or starts dark, gets its time again."""
        self._digest = None
        if not self._black_said:
            self._bright_s = None

    def check(self, frame: Frame) -> None:
        """Report black or resized pictures; raise EdgeError for a camera that repeats one picture."""
        now_s = frame.captured_ns / 1e9
        sample = np.ascontiguousarray(frame.image[::16, ::16])
        level = float(sample.mean())
        # Many cameras cut the noise off a dark room's picture: it repeats all night, and they are well.
        self._check_frozen(None if level <= BLACK_LEVEL else zlib.crc32(sample.tobytes()), now_s)
        self._check_black(level, now_s)
        if self._size_wh not in (None, frame.size_wh):
            self.on_fault(
                f"{self.name} changed its picture from {self._size_wh} to {frame.size_wh}; faces start anew"
            )
        self._size_wh = frame.size_wh

    def _check_frozen(self, digest: int | None, now_s: float) -> None:
        if digest is None or digest != self._digest:
            self._digest, self._changed_s = digest, now_s
        elif now_s - self._changed_s > self.frozen_s:
            raise EdgeError(f"{self.name} is frozen: the same picture for {self.frozen_s:g} s")

    def _check_black(self, level: float, now_s: float) -> None:
        if level > BLACK_LEVEL or self._bright_s is None:
            if self._black_said:
                self.on_fault(f"{self.name} shows a picture again")
            self._bright_s, self._black_said = now_s, False
        elif not self._black_said and now_s - self._bright_s > BLACK_S:
            self.on_fault(f"{self.name} delivers black pictures; is the lens covered, or the room dark?")
            self._black_said = True
