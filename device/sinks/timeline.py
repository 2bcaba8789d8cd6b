"""A picture of a whole run: which expressions were seen when."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from device.files import OWNER_ONLY, refuse_unwritable, write_whole
from device.results import FrameResult
from device.sinks import Sink
from device.sinks.drawing import FONT

COLUMNS, FIRST_WIDTH_S = 400, 0.25
STEP, HEIGHT, EDGE, LEGEND = 2, 200, 30, 130  # pixels: of a column, of the chart, around it, beside it
PAPER, INK = (255, 255, 255), (60, 60, 60)
# Distinguishable with any colour vision (Okabe and Ito 2008); B, G, R.
COLOURS = (
    (0, 94, 213), (115, 158, 0), (167, 121, 204), (66, 228, 240), (178, 114, 0), (0, 159, 230), (190, 190, 190),
    (233, 180, 86),
)  # fmt: skip


class TimelineSink(Sink):
    """Writes ``path``, a PNG, at the end of a run: time from left to right, the share of each label upwards.

    Only faces that the detector found count, by their calm label, as in the statistics of a run. A film's times are
    its own, a folder of pictures has a step a picture. When ``COLUMNS`` are full, two become one: memory is flat.
    """

    def __init__(self, path: str | Path, labels: Sequence[str], overwrite: bool = False):
        refuse_unwritable(path, overwrite)
        self.name, self.path, self.labels, self.overwrite = str(path), Path(path), tuple(labels), overwrite
        self.width, self.columns = FIRST_WIDTH_S, [Counter[str]()]
        self._start: float | None = None
        self._pictures = False
        self._end = 0.0

    def write(self, result: FrameResult) -> None:
        now = self._position(result)
        self._start = now if self._start is None else self._start
        self._end = max(self._end, now - self._start)
        index = int(max(now - self._start, 0.0) / self.width)
        while index >= COLUMNS:
            self._halve()
            index //= 2
        self.columns += [Counter[str]() for _ in range(index + 1 - len(self.columns))]
        self.columns[index].update(face.smoothed_label for face in result.faces if face.detected)

    def close(self) -> None:
        if self._start is not None:
            data = cv2.imencode(".png", self.picture())[1].tobytes()
            write_whole(self.path, data, self.overwrite, mode=OWNER_ONLY)

    def picture(self) -> np.ndarray:
        """Return the timeline so far: ``(H, W, 3) uint8``, B, G, R."""
        wide = max(COLUMNS * STEP // len(self.columns), 1)
        chart = wide * len(self.columns)
        picture = np.full((HEIGHT + 2 * EDGE, chart + LEGEND + 2 * EDGE, 3), PAPER, np.uint8)
        for number, column in enumerate(self.columns):
            top, total = EDGE + HEIGHT, max(column.total(), 1)
            for label, colour in zip(self.labels, _colours(self.labels), strict=True):
                tall = round(HEIGHT * column[label] / total)
                left = EDGE + number * wide
                picture[max(top - tall, EDGE) : top, left : left + wide] = colour
                top -= tall
        cv2.rectangle(picture, (EDGE, EDGE), (EDGE + chart, EDGE + HEIGHT), INK, 1)
        for row, (label, colour) in enumerate(zip(self.labels, _colours(self.labels), strict=True)):
            middle = EDGE + HEIGHT - 10 - row * (HEIGHT - 20) // max(len(self.labels) - 1, 1)
            left = EDGE + chart + 12
            cv2.rectangle(picture, (left, middle - 5), (left + 10, middle + 5), colour, cv2.FILLED)
            _text(picture, label, (left + 18, middle + 4))
        end = f"{self._end + 1:.0f} pictures" if self._pictures else _clock(self._end)
        _text(picture, "1" if self._pictures else "0:00", (EDGE, EDGE + HEIGHT + 18))
        _text(picture, end, (EDGE + chart - 60, EDGE + HEIGHT + 18))
        _text(picture, "share of the faces seen", (EDGE, EDGE - 10))
        return picture

    def _position(self, result: FrameResult) -> float:
        frame = result.frame
        if frame.name:
            if not self._pictures:
                self._pictures, self.width = True, 1.0
            return float(frame.index)
        return frame.time_s

    def _halve(self) -> None:
        pairs = zip(self.columns[::2], [*self.columns[1::2], Counter[str]()], strict=False)
        self.columns = [one + other for one, other in pairs]
        self.width *= 2


def _colours(labels: Sequence[str]) -> list[tuple[int, int, int]]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(labels))]


def _text(picture: np.ndarray, text: str, at: tuple[int, int]) -> None:
    cv2.putText(picture, text, at, FONT, 0.42, INK, 1, cv2.LINE_AA)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours = f"{whole // 3600}:{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{hours}:{whole % 60:02d}"
