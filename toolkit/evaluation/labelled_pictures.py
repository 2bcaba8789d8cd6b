"""Photographs and clips whose faces have a class or a box: in a folder for each class, or by ``faces.json``."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from device.capture.sources.images import is_picture
from device.capture.sources.video import VideoFile
from device.errors import EdgeError
from device.files import read_regular
from device.frames import BoundingBox
from device.media_suffixes import is_film
from device.picture_files import read_picture
from device.text import counted
from toolkit.data.class_names import normal_class_name
from toolkit.data.dataset import judging_split
from toolkit.data.files.class_numbers import classes_of
from toolkit.data.files.split_names import split_told
from toolkit.data.files.walk import files_under, images_under, subfolders
from toolkit.data.folders.labelled_images import labelled_images
from toolkit.data.folders.layout import ImageFile, class_places

log = logging.getLogger(__name__)

BOXES_FILE = "faces.json"
EXPECTED = f"expected photographs or clips in a folder for each class, or photographs and {BOXES_FILE} with their boxes"
CLIP_STEP, CLIP_FRAMES = 10, 30  # every tenth frame of a clip, thirty at most
MOST_PX = 1e6  # no picture is as large
LEAST_INSIDE, WIDEST = 0.5, 4.0  # of a face's box: its part in the picture, its width to its height
MOST_BYTES = 16 << 20  # of their boxes: 200,000 pictures
MOST_FACES = 5000  # of a picture: crowds of WIDER FACE have 2,000


@dataclass(frozen=True)
class LabelledPicture:
    """A picture or clip and its faces: ``boxes``, each with a class or None, or no boxes and the largest's class."""

    path: Path
    boxes: tuple[tuple[BoundingBox, str | None], ...] | None = None
    label: str | None = None

    @property
    def is_clip(self) -> bool:
        """Whether it is a film, whose frames are alike."""
        return is_film(self.path)

    def images(self) -> Iterator[np.ndarray]:
        """Yield the picture, or some frames of the clip; EdgeError if it cannot be read or a box does not fit it."""
        if not self.is_clip:
            try:
                image = read_picture(self.path)
            except ValueError as error:
                raise EdgeError(f"cannot read {self.path}: {error}") from error
            self._refuse_boxes_beside(image)
            yield image
            return
        with VideoFile(self.path) as clip:
            for frame in islice(clip, 0, CLIP_STEP * CLIP_FRAMES, CLIP_STEP):
                self._refuse_boxes_beside(frame.image)
                yield frame.image

    def _refuse_boxes_beside(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        whole = BoundingBox(0, 0, width, height)
        for box, _ in self.boxes or ():
            inside = box.shared_area(whole) >= LEAST_INSIDE * box.area
            if not inside or box.width > WIDEST * box.height:
                given = ", ".join(f"{number:g}" for number in (box.left, box.top, box.width, box.height))
                raise EdgeError(
                    f"{self.path} has {width}x{height} pixels and a face's box [{given}], which "
                    f"{'is as wide as no face' if inside else 'lies outside of it'}; "
                    "expected [x, y, width, height] in pixels of the picture as it is shown"
                )


def labelled_pictures(root: Path) -> list[LabelledPicture]:
    """Return the pictures that ``root/faces.json`` gives boxes of, else those whose class is told as in a data set, by
    folders, by lists or by names, and the clips in class folders; of several splits those of the one that judges.

    faces.json: ``{"boxes_xywh": {"a.jpg": [[x, y, width, height], ...]}}`` in pixels; a face of a known class is
    ``{"box": [x, y, width, height], "label": "happy"}``. EdgeError for neither.
    """
    if not root.is_dir():
        raise EdgeError(f"there is no folder {root}; {EXPECTED}")
    if (root / BOXES_FILE).exists():
        return _boxed_pictures(root)
    files = _files_told(root)
    if not files:
        raise EdgeError(f"{root} holds no labelled pictures; {EXPECTED}")
    if split := judging_split({file.split for file in files}):
        judging = [file for file in files if file.split == split]
        if len(judging) < len(files):
            log.warning(
                "%s of other splits than '%s' left out", counted(len(files) - len(judging), "picture"), split
            )
        files = judging
    class_of, _, notes = classes_of(root, {file.folder_class for file in files}, "label")
    for note in notes:
        log.warning("%s", note)
    return [LabelledPicture(file.path, label=class_of[file.folder_class]) for file in files]


def _files_told(root: Path) -> list[ImageFile]:
    """Return the pictures with the class that tells theirs in a data set, and the films with that of their folder."""
    films = [
        ImageFile(path, split_told(path.relative_to(root).parent.parent) or "train", folder.name)
        for place in class_places(root)
        for folder in subfolders(place)
        for path in files_under(folder)
        if is_film(path)
    ]
    files = films + [file for file in _pictures_told(root, bool(films)) if not is_film(file.path)]
    loose = {path for path in root.iterdir() if is_film(path) or (films and is_picture(path))}
    if loose := loose - {file.path for file in files}:
        log.warning("%s right in %s, in no class's folder, left out", counted(len(loose), "file"), root)
    return sorted(files, key=lambda file: file.path)


def _pictures_told(root: Path, beside_films: bool) -> list[ImageFile]:
    """Return the pictures as a data set has them; ``beside_films`` they may have no labels, which is said then."""
    try:
        pictures, notes = labelled_images(root)
    except EdgeError as error:
        if any(not is_film(path) for path in images_under(root)):
            if not beside_films:
                raise
            log.warning("%s; the pictures are left out", error)
        return []
    for note in () if beside_films else notes:  # which take films for nothing
        log.warning("%s", note)
    return pictures


def _boxed_pictures(root: Path) -> list[LabelledPicture]:
    file = root / BOXES_FILE
    try:
        found = json.loads(read_regular(file, MOST_BYTES))["boxes_xywh"]
        pictures = [LabelledPicture(root / name, _labelled_boxes(faces)) for name, faces in found.items()]
    except OSError as error:
        raise EdgeError(f"cannot read {file}: {error.strerror}; check who may read it") from error
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise EdgeError(
            f'{file} is damaged ({type(error).__name__}: {error}); expected {{"boxes_xywh": {{"a.jpg": [[x, y, width, '
            'height], …]}}, a face of a known class as {"box": [x, y, width, height], "label": "happy"}'
        ) from None
    if not pictures:
        raise EdgeError(f"{file} names no picture; expected boxes by the name of a picture")
    return pictures


def _labelled_boxes(faces: Any) -> tuple[tuple[BoundingBox, str | None], ...]:
    if len(faces) > MOST_FACES:
        raise ValueError(f"{len(faces):,} faces in one picture, over {MOST_FACES:,}")
    return tuple(map(_labelled_box, faces))


def _labelled_box(face: Any) -> tuple[BoundingBox, str | None]:
    label = normal_class_name(face["label"]) if isinstance(face, dict) and face.get("label") else None
    x, y, width, height = map(float, face["box"] if isinstance(face, dict) else face)
    if not np.abs([x, y, width, height]).max() <= MOST_PX:
        raise ValueError(f"a box of {x:g}, {y:g}, {width:g}, {height:g}")
    return BoundingBox(x, y, x + width, y + height), label
