"""Writing sheets of faces, which ``toolkit.data.synthesis.read_sheet`` reads."""

from pathlib import Path

import cv2
import numpy as np

from device.files import write_whole
from toolkit.data.dataset import FACE_SIZE

SHEET_COLUMNS = 16


def write_sheet(
    images: np.ndarray, path: Path, columns: int = SHEET_COLUMNS, overwrite: bool = False
) -> None:
    """Write (N, 48, 48) uint8 faces, N a multiple of ``columns``, as a PNG sheet with ``columns`` tiles a row."""
    tiles = images.reshape(-1, columns, FACE_SIZE, FACE_SIZE).swapaxes(1, 2)
    sheet = tiles.reshape(-1, columns * FACE_SIZE)
    content = cv2.imencode(".png", sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    write_whole(path, content, overwrite)
