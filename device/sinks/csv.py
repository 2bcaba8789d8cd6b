"""CSV: a row a face, and a row with empty columns for a frame without one."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from device.results import FrameResult
from device.sinks.row_file import RowFile
from device.text import printable

FRAME_COLUMNS = ("index", "captured_at", "age_ms", "result")
FACE_COLUMNS = ("id", "left", "top", "right", "bottom", "label", "probability", "smoothed_label")


class CsvSink(RowFile):
    """Columns: the frame's, the face's, then a score a label; see ``RowFile`` for ``append``.

    ``named``: the source is pictures, each with a file, which a last column tells.
    """

    def __init__(
        self,
        path: str | Path,
        labels: Sequence[str],
        overwrite: bool = False,
        append: bool = False,
        named: bool = False,
    ):
        self.named = named
        self.labels = tuple(labels)
        header = _line([*FRAME_COLUMNS, *FACE_COLUMNS, *self.labels, *(["file"] if named else [])])
        super().__init__(path, overwrite, append, header)

    def write(self, result: FrameResult) -> None:
        row = result.to_json()
        frame = [row[column] for column in FRAME_COLUMNS]
        file = [printable(result.frame.name)] if self.named else []  # any bytes may stand in a name
        if not row["faces"]:
            self.add(_line(frame + [""] * (len(FACE_COLUMNS) + len(self.labels)) + file))
        for face in row["faces"]:
            told = [face["id"], *face["box_xyxy"], face["label"], face["probability"], face["smoothed_label"]]
            self.add(_line(frame + told + [face["scores"][label] for label in self.labels] + file))


def _line(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(values)
    return buffer.getvalue()
