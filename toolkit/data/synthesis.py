"""Synthetic labelled faces: of no real person, sampled from a statistical model of faces.

models/synthetic/README.md tells how the shipped ones were made.

Their file is a PNG sheet of 48x48 tiles, 16 a row, a class in FER2013's order after the other, the same number of
each: ``read_sheet``.

``device/data/demo_faces.png`` is a smaller sheet for the demo source of the device: 7 rows, a class each in
FER2013's order (angry, disgust, fear, happy, sad, surprise, neutral), of 4 tiles of 48x48. Magnified to 100 to 200
pixels on a plain background each of its faces is found by OpenCV's frontal-face cascade.
"""

from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError
from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.dataset import FACE_SIZE, Dataset

SHIPPED_SHEET = Path(__file__).with_name("synthetic_faces.png")
SOURCE = "synthetic faces"
# A folder of synthetic faces says so by this file.
MARK = "SYNTHETIC.txt"


def load_synthetic() -> Dataset:
    """Return the synthetic faces that ship with the toolkit: seven classes, all 'train', source 'synthetic faces'."""
    if not SHIPPED_SHEET.is_file():
        raise EdgeError(
            f"the synthetic faces are missing ({SHIPPED_SHEET}); install the toolkit's wheel again"
        )
    return labelled(read_sheet(SHIPPED_SHEET))


def labelled(images: np.ndarray) -> Dataset:
    """Return (7 * N, 48, 48) synthetic faces, N a class in FER2013's order, as a data set."""
    each = len(images) // len(FER2013_CLASSES)
    names = [f"synthetic/{name}/{number:03d}" for name in FER2013_CLASSES for number in range(each)]
    return Dataset(
        images=images,
        labels=np.repeat(np.arange(len(FER2013_CLASSES)), each),
        classes=FER2013_CLASSES,
        splits=np.full(len(images), "train", dtype="U10"),
        names=np.array(names),
        source=SOURCE,
        synthetic=True,
    )


def read_sheet(path: Path) -> np.ndarray:
    """Return the tiles of a PNG sheet, row by row, as (N, 48, 48) uint8."""
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    classes = len(FER2013_CLASSES)
    if sheet is None or sheet.shape[0] % (FACE_SIZE * classes) or sheet.shape[1] % FACE_SIZE:
        raise EdgeError(
            f"{path} is no sheet of {FACE_SIZE}x{FACE_SIZE} faces in {classes} classes; fetch it again"
        )
    rows, columns = sheet.shape[0] // FACE_SIZE, sheet.shape[1] // FACE_SIZE
    tiles = sheet.reshape(rows, FACE_SIZE, columns, FACE_SIZE).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, FACE_SIZE, FACE_SIZE))
