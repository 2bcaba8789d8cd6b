"""What a person is shown: boxes and labels on a copy of the frame, faces blurred where that is asked for."""

import cv2
import numpy as np

from device.results import FrameResult

GREEN, BLACK = (80, 220, 80), (0, 0, 0)
FONT = cv2.FONT_HERSHEY_SIMPLEX
JPEG_QUALITY = 80
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
    for face in result.faces:
        left, top, right, bottom = face.box.xyxy()
        cv2.rectangle(picture, (left, top), (right, bottom), GREEN, 2)
        text = f"#{face.id} {face.smoothed_label} {face.smoothed[face.smoothed_label]:.2f}"
        (width, height), _ = cv2.getTextSize(text, FONT, 0.5, 1)
        base = max(top - 6, height + 2)
        start = max(0, min(left, picture.shape[1] - width - 4))  # a name at the right edge is not cut off
        cv2.rectangle(picture, (start, base - height - 4), (start + width + 4, base + 4), BLACK, cv2.FILLED)
        cv2.putText(picture, text, (start + 2, base), FONT, 0.5, GREEN, 1, cv2.LINE_AA)
    return picture


def blur(picture: np.ndarray, result: FrameResult) -> None:
    """Make the faces of ``picture``, (H, W) or (H, W, 3) uint8, unrecognisable, in place."""
    height, width = picture.shape[:2]
    for face in result.faces:
        x, y = face.box.center_xy
        half_width, half_height = face.box.width * BLUR_RATIO / 2, face.box.height * BLUR_RATIO / 2
        left, right = max(0, round(x - half_width)), min(width, round(x + half_width))
        top, bottom = max(0, round(y - half_height)), min(height, round(y + half_height))
        if left < right and top < bottom:
            patch = picture[top:bottom, left:right]
            blocks = cv2.resize(patch, (BLUR_BLOCKS, BLUR_BLOCKS), interpolation=cv2.INTER_AREA)
            picture[top:bottom, left:right] = cv2.resize(
                blocks, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
            )
