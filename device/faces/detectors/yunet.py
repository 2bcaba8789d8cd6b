"""OpenCV Zoo's YuNet: a small network, better and cheaper than the cascade."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from device.faces.contrast import stretched
from device.faces.cropping import cut_square
from device.faces.detectors.base import Detection, placed, scaled, without_duplicates
from device.faces.detectors.yunet_file import LARGEST_BYTES, YUNET_SHA256, NotFetchedError
from device.files import read_regular
from device.frames import CROP_MARGIN, BoundingBox
from device.resizing import resized

# Of a face in the searched picture; of those of 12 to 15 pixels in the photographs of docs/figures/device_loop.md 95 %
# are found.
SMALLEST_PX = 15
UNREDUCED_PX = 320  # the longer side of a picture that is searched as it is, as cheap as half of one of 640
STRIDE_PX = 32  # of the network's coarsest features
REGION_PX = 3 * STRIDE_PX  # a region is searched at this size
# Longer sides at which a still is searched: large faces are found best in the first, small ones in the second.
STILL_PX = (640, 1280)
# No second frame confirms a still's face. In the photographs of benchmarks/film_quality.py, plain, dark, turned by 25
# degrees and blurred, as many faces are found as at 0.6 and half of the false ones go: two dogs and a hand become one
# dog.
MIN_STILL_SCORE = 0.7
NMS_IOU = 0.3


class YuNetDetector:
    """YuNet behind the common interface; one network a picture size, because a change of size costs a re-plan."""

    name = "yunet"
    margin_ratio = CROP_MARGIN
    region_ratio = 2.5
    certain_score = 0.8
    min_score = (
        0.6  # to report: in full frames of benchmarks/clips.py, below it a skull on a shirt, too, is a face
    )

    def __init__(self, min_face_px: int, model_file: str | Path, reduce: bool = True):
        self.path = Path(model_file)
        if not self.path.is_file():
            raise NotFetchedError(
                f"no detector file {self.path}; fetch it with 'device fetch yunet' or use `detector=haar`"
            )
        try:
            # Read here: a name that is no UTF-8, in an error of OpenCV's, ends the process.
            content = read_regular(self.path, LARGEST_BYTES)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            remedy = "check who may read it" if denied else "fetch it with 'device fetch yunet'"
            raise EdgeError(f"cannot read {self.path}: {error.strerror}; {remedy}") from error
        if hashlib.sha256(content).hexdigest() != YUNET_SHA256:
            # Its import costs a start 5 ms that few need.
            from device.faces.detectors.network_trial import refuse_crashing

            refuse_crashing(self.path, content)
        self._file = np.frombuffer(content, np.uint8)
        self.scale = min(1.0, SMALLEST_PX / min_face_px) if reduce else 1.0
        self.region_net = self._network((REGION_PX, REGION_PX))
        self.frame_net, self.frame_size_wh = self.region_net, (REGION_PX, REGION_PX)

    def detect(self, image: np.ndarray, region: BoundingBox | None = None) -> list[Detection]:
        if region is not None:
            patch, left, top = cut_square(image, region, region.width)
            return self._search(
                self.region_net,
                resized(patch, (REGION_PX, REGION_PX)),
                REGION_PX / patch.shape[0],
                (left, top),
            )
        return self._search_whole(image, self.scale if max(image.shape[:2]) > UNREDUCED_PX else 1.0)

    def detect_still(self, image: np.ndarray) -> list[Detection]:
        scales = [side / max(image.shape[:2]) for side in STILL_PX]
        faces = [face for scale in scales for face in self._search_whole(image, scale)]
        return without_duplicates([face for face in faces if face.score >= MIN_STILL_SCORE])

    def _search_whole(self, image: np.ndarray, scale: float) -> list[Detection]:
        picture = scaled(image, scale)
        if min(picture.shape[:2]) < STRIDE_PX:  # the network returns nonsense for less
            return []
        size_wh = picture.shape[1], picture.shape[0]
        if size_wh != self.frame_size_wh:
            self.frame_net, self.frame_size_wh = self._network(size_wh), size_wh
        return self._search(self.frame_net, picture, scale, (0, 0))

    def _network(self, size_wh: tuple[int, int]) -> cv2.FaceDetectorYN:
        try:
            no_config = np.empty(0, np.uint8)
            return cv2.FaceDetectorYN.create(
                "onnx", self._file, no_config, size_wh, self.min_score, NMS_IOU, 200
            )
        except cv2.error as error:
            raise self._refused(error) from None

    def _refused(self, error: cv2.error) -> EdgeError:
        return EdgeError(
            f"{self.path} is not a YuNet model that OpenCV can read; fetch it with 'device fetch yunet' "
            f"({str(error).splitlines()[0]})"
        )

    def _search(
        self, network: cv2.FaceDetectorYN, picture: np.ndarray, scale: float, at: tuple[int, int]
    ) -> list[Detection]:
        picture = stretched(picture)
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        try:
            _, rows = network.detect(picture)
        except cv2.error as error:  # a network that is read and then cannot be computed
            raise self._refused(error) from None
        if rows is None:
            return []
        largest = 2 * max(picture.shape[:2])
        return [
            Detection(placed(row[:4], scale, at), min(float(row[14]), 1.0))
            for row in rows
            if np.isfinite(row).all() and 1 <= row[2] <= largest and 1 <= row[3] <= largest
        ]
