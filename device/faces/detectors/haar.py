"""OpenCV's Haar cascade: no download, gray only, frontal faces."""

from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.faces.cropping import as_gray, cut_square
from device.faces.detectors.base import Detection, placed, scaled, without_duplicates
from device.faces.detectors.cascade_file import LARGEST_BYTES, cascade_fault
from device.files import read_regular
from device.frames import BoundingBox
from device.resizing import resized

CASCADE = "haarcascade_frontalface_default.xml"
STILL_PX = 1280  # longer side of a still, beyond which more pixels find no more faces
WINDOW_PX = 24  # the cascade's training window
SMALLEST_PX = 36  # of a face in the searched picture: half above the window, where recall is full
# In the films of benchmarks/clips.py (docs/figures/device_loop.md) coarse steps and three votes find more in less time
# than fine steps in a smaller picture.
WHOLE_STEP, WHOLE_VOTES = 1.2, 3
FINE_STEP, FINE_VOTES = 1.1, 4
REGION_PX = 72  # a region is searched at this size: its face is then 36 pixels wide


class HaarDetector:
    """Viola and Jones' cascade behind the common interface."""

    name = "haar"
    # 300 PublicTest crops pasted at 60, 120 and 240 pixels: the median box is the crop itself, 0.97 to 1.00 wide.
    margin_ratio = 1.02
    region_ratio = 2.0
    certain_score = 1.01  # never: a cascade is often sure of a printed skull

    def __init__(self, min_face_px: int, model_file: str | Path | None = None, reduce: bool = True):
        self.path = Path(model_file) if model_file else Path(cv2.__file__).parent / "data" / CASCADE
        if not self.path.is_file():
            raise EdgeError(
                f"no cascade file {self.path}; expected OpenCV 4's {CASCADE} (OpenCV 5 ships none); "
                'install "opencv-python-headless>=4.11,<5" or name one with `detector_model`'
            )
        self.cascade = _read_cascade(self.path, foreign=bool(model_file))
        self.min_face_px, self.reduce = min_face_px, reduce
        self.scale = min(1.0, SMALLEST_PX / min_face_px) if reduce else 1.0

    def detect(self, image: np.ndarray, region: BoundingBox | None = None) -> list[Detection]:
        if region is not None:
            patch, left, top = cut_square(image, region, region.width)
            gray = as_gray(resized(patch, (REGION_PX, REGION_PX)))
            face_px = REGION_PX / self.region_ratio
            near = round(face_px / 1.4), round(face_px * 1.4)
            return self._search(gray, REGION_PX / patch.shape[0], (left, top), near, FINE_STEP, votes=2)
        step, votes = (WHOLE_STEP, WHOLE_VOTES) if self.reduce else (FINE_STEP, FINE_VOTES)
        return self._search_whole(image, self.scale, step, votes)

    def detect_still(self, image: np.ndarray) -> list[Detection]:
        scale = min(1.0, STILL_PX / max(image.shape[:2]))
        return without_duplicates(self._search_whole(image, scale, FINE_STEP, FINE_VOTES))

    def _search_whole(self, image: np.ndarray, scale: float, step: float, votes: int) -> list[Detection]:
        gray = as_gray(scaled(image, scale))
        sizes = round(self.min_face_px * scale), min(gray.shape)
        return self._search(gray, scale, (0, 0), sizes, step, votes)

    def _search(
        self,
        gray: np.ndarray,
        scale: float,
        at: tuple[int, int],
        sizes: tuple[int, int],
        step: float,
        votes: int,
    ) -> list[Detection]:
        smallest, largest = (max(WINDOW_PX, size) for size in sizes)
        if min(gray.shape) < WINDOW_PX:
            return []
        boxes, _, weights = self.cascade.detectMultiScale3(
            gray,
            scaleFactor=step,
            minNeighbors=votes,
            minSize=(smallest, smallest),
            maxSize=(largest, largest),
            outputRejectLevels=True,
        )
        # A weight is the last stage's sum; faces in benchmarks/clips.py lie between 2 and 9. Squashed into 0 to 1.
        return [
            Detection(placed(box, scale, at), float(1 / (1 + np.exp(-(weight - 2) / 2))))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]


def _read_cascade(path: Path, foreign: bool) -> cv2.CascadeClassifier:
    """Return the cascade of a file; a ``foreign`` one, not OpenCV's own, is checked before OpenCV sees it."""
    fault, cascade = "", None
    try:
        if foreign:
            fault = cascade_fault(read_regular(path, LARGEST_BYTES))
        if not fault:
            with open(path, "rb") as file:  # a name that is no UTF-8 ends the process
                cascade = cv2.CascadeClassifier(f"/proc/self/fd/{file.fileno()}")
    except OSError as error:
        raise EdgeError(
            f"cannot read {path}: {error.strerror}; check the file, and who may read it"
        ) from error
    except (cv2.error, SystemError):  # OpenCV's binding raises either
        cascade = None
    if cascade is None or cascade.empty():
        raise EdgeError(
            f"{path} is not a cascade that OpenCV can read{fault and f': {fault}'}; expected an XML file such as "
            f"{CASCADE}"
        )
    return cascade
