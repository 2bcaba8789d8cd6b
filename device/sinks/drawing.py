"""What a person is shown: boxes and labels on a copy of the frame, faces blurred where that is asked for."""

from collections.abc import Sequence

import cv2
import numpy as np

from device.frames import BoundingBox
from device.results import Face, FrameResult

GREEN, BLACK = (80, 220, 80), (0, 0, 0)
FONT = cv2.FONT_HERSHEY_SIMPLEX
JPEG_QUALITY = 80
UNIT_PX, LETTERS = 480, 0.5  # the smaller side of a picture with lines of 2 pixels, and its size of letters
# A face of 8 x 8 blocks cannot be recognised, nor sharpened back.
BLUR_BLOCKS = 8
BLUR_RATIO = 1.5  # of the box: hair and chin belong to the face


def jpeg(result: FrameResult, blur_faces: bool = False) -> bytes:
    """Return the ``annotated`` frame as JPEG, to be looked at on a network."""
    picture = annotated(result, blur_faces)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def annotated(result: FrameResult, blur_faces: bool = False) -> np.ndarray:
    """Return a copy of the frame with every face boxed and named: ``(H, W, 3) uint8``, B, G, R."""
    picture = result.frame.image
    picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture.copy()
    if blur_faces:
        blur(picture, result)
    _name(picture, result.faces)
    return picture


def _name(picture: np.ndarray, faces: Sequence[Face]) -> None:
    """Box each of ``faces`` and write its number, expression and probability where that hides no other face and nothing
    written, else its expression alone, its number or nothing; lines and letters grow with the picture."""
    unit = max(1.0, min(picture.shape[:2]) / UNIT_PX)
    line, letter_line, edge = round(2 * unit), max(1, round(unit)), round(4 * unit)
    taken = [face.box for face in faces]
    for face in faces:
        left, top, right, bottom = face.box.xyxy()
        cv2.rectangle(picture, (left, top), (right, bottom), GREEN, line)
        others = [box for box in taken if box is not face.box]
        label = face.smoothed_label
        for text in (f"#{face.id} {label} {face.smoothed[label]:.2f}", label, f"#{face.id}"):
            (width, height), _ = cv2.getTextSize(text, FONT, LETTERS * unit, letter_line)
            bar = _free_bar(face.box, (width + edge, height + 2 * edge), picture.shape[1::-1], others)
            if bar is not None:
                left, top, right, bottom = bar.xyxy()
                cv2.rectangle(picture, (left, top), (right, bottom), BLACK, cv2.FILLED)
                place = left + edge // 2, bottom - edge
                cv2.putText(picture, text, place, FONT, LETTERS * unit, GREEN, letter_line, cv2.LINE_AA)
                taken.append(bar)
                break


def _free_bar(
    box: BoundingBox, size_wh: tuple[int, int], picture_wh: tuple[int, int], others: Sequence[BoundingBox]
) -> BoundingBox | None:
    """Return where a name of ``size_wh`` stands above or below ``box``, within the picture, clear of ``others``; None
    where there is no room."""
    (width, height), (picture_width, picture_height) = size_wh, picture_wh
    left = max(0.0, min(box.left, picture_width - width))
    for top in (max(box.top - height, 0.0), min(box.bottom, picture_height - height)):
        bar = BoundingBox(left, top, left + width, top + height)
        if not any(bar.shared_area(other) for other in others):
            return bar
    return None


def blur(picture: np.ndarray, result: FrameResult) -> None:
    """Make the faces of ``picture``, (H, W) or (H, W, 3) uint8, unrecognisable, in place: those told and those not."""
    height, width = picture.shape[:2]
    for box in (*(face.box for face in result.faces), *result.untold):
        x, y = box.center_xy
        half_width, half_height = box.width * BLUR_RATIO / 2, box.height * BLUR_RATIO / 2
        left, right = max(0, round(x - half_width)), min(width, round(x + half_width))
        top, bottom = max(0, round(y - half_height)), min(height, round(y + half_height))
        if left < right and top < bottom:
            patch = picture[top:bottom, left:right]
            blocks = cv2.resize(patch, (BLUR_BLOCKS, BLUR_BLOCKS), interpolation=cv2.INTER_AREA)
            picture[top:bottom, left:right] = cv2.resize(
                blocks, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
            )
