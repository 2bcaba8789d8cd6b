"""Whole photographs: told from faces that are cut out already, and cut into such faces as the device cuts its own."""

import logging
import os
import shlex
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

import cv2
import numpy as np

from device.errors import EdgeError, UsageError
from device.faces.alignment import FaceCropper
from device.faces.detectors import DEFAULT_MIN_FACE_PX, create_detector
from device.faces.detectors.base import Detection
from device.text import a_few, counted
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.dataset import Dataset
from toolkit.data.files.class_numbers import CLASSES_FILE
from toolkit.data.files.decoding import quiet_opencv
from toolkit.data.files.image_files import holds_image
from toolkit.data.files.split_names import split_told
from toolkit.data.files.walk import folder_of, images_under, subfolders
from toolkit.data.folders.contents import contents_in_words
from toolkit.data.folders.labelled_images import labelled_images
from toolkit.data.folders.layout import ImageFile
from toolkit.data.readers.pictures import (
    Picture,
    folder_name,
    lists_pictures,
    pictures_of_files,
    pictures_of_shards,
    sample_pictures,
)
from toolkit.data.shards.shard_files import find_shards, splits_of
from toolkit.outputs import new_folder

log = logging.getLogger(__name__)

# A picture of fewer pixels is a face already; the face of a crop takes 0.82 of its width, that of AffectNet's 0.7.
LEAST_SIDE_PX, LOOKED_AT = 96, 16
MOST_SHARE = 0.5


@dataclass(frozen=True)
class Cropped:
    """What became of photographs: faces written, pictures with several faces, those without one, and unread ones;
    ``notes``: how the classes were told, and what was left out."""

    pictures: int
    faces: int
    several: int
    nobody: tuple[str, ...]
    unread: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the summary for people."""
        said = [f"{counted(self.faces, 'face')} of {counted(self.pictures, 'photograph')}"]
        if self.several:
            said.append(f"{self.several:,} with several faces")
        nobody = f"without a face of {DEFAULT_MIN_FACE_PX} pixels or more"
        for paths, what in ((self.nobody, nobody), (self.unread, "unreadable")):
            if paths:
                said.append(f"{len(paths):,} {what}: {a_few(paths)}")
        return [*said, *self.notes]


def crop_photographs(
    root: Path, out: Path, size_px: int = 48, overwrite: bool = False, colour: bool = False
) -> Cropped:
    """Cut the faces of the photographs under ``root`` out and write them as PNG files of ``size_px`` pixels.

    They are gray, with ``colour`` red, green and blue. Folders by class, under split folders or not, keep their places
    in ``out``; shards, and pictures whose class stands elsewhere, as in a list, which ``root`` may be too, become such
    folders; of each picture the largest face is taken: it is the one that the class names. Of a folder without classes
    every face is written, ``NAME_2.png`` the second. Detector, smallest face, margin and turning are the device's. A
    new ``out`` appears whole or not at all. Raises EdgeError for a folder without pictures or without a face, or where
    ``out`` holds something.

    >>> crop_photographs(Path("party"), Path("party_faces")).faces
    """
    shards = find_shards(root) if root.exists() else ()
    labels = root if not shards and lists_pictures(root) else None
    if not root.is_dir() and not shards and not labels:
        raise EdgeError(
            f"{root} is no folder; expected photographs, in a folder for each class or all in one, a list of them, or "
            "parquet or tar files"
        )
    folder = folder_of(root)
    source = root if shards else folder
    place = Path(os.path.realpath(out))
    if Path(os.path.realpath(source)) in (place, *place.parents):
        raise UsageError(f"{out} lies in {source}, whose photographs are read; name a folder elsewhere")
    notes: Sequence[str]
    if shards:
        splits, notes = splits_of(folder, shards)
        classed, pictures = True, pictures_of_shards(folder, splits)
    else:
        places, classed, notes = _places(folder, labels)
        read = pictures_of_files(folder, places)
        pictures = ((place, image) for place, (_, image) in zip(places.values(), read, strict=True))
    with quiet_opencv(), new_folder(out, overwrite) as place:
        cropped = _crop_into(place, pictures, size_px, classed, colour)
        if not cropped.faces:
            raise EdgeError(
                f"no face was found in the {cropped.pictures:,} photographs of {root}; nothing is written"
            )
        if classed and (folder / CLASSES_FILE).is_file():
            shutil.copyfile(folder / CLASSES_FILE, place / CLASSES_FILE)
    return replace(cropped, notes=tuple(notes))


def _places(root: Path, labels: Path | None) -> tuple[dict[Path, Path], bool, tuple[str, ...]]:
    """Return where the face of each photograph under ``root``, or of the list ``labels``, goes, whether they have
    classes, and what to say of it.

    It goes where the picture stands if its folders tell its class and its split or nothing does, else into folders of
    its split and class. One folder beside pictures, not called as an expression is, is no class.
    """
    try:
        files, notes = labelled_images(root, labels)
    except EdgeError:
        paths = list(images_under(root))
        if labels or (paths and subfolders(root)):
            raise
        if not paths:
            raise EdgeError(
                f"{root} holds no photographs: {contents_in_words(root)}; expected PNG, JPEG, BMP, WebP, TIFF or GIF "
                "files"
            ) from None
        return {path: path.relative_to(root) for path in paths}, False, ()
    names = {normal_class_name(file.folder_class) for file in files}
    unclassed = len(names) == 1 and not labels and not names & set(FERPLUS_CLASSES)
    if unclassed and any(map(holds_image, root.iterdir())):
        return {path: path.relative_to(root) for path in images_under(root)}, False, ()
    return {file.path: _place(file, file.path.relative_to(root)) for file in files}, True, notes


def _place(file: ImageFile, own: Path) -> Path:
    told = file.folder_class in own.parts[:-1] and file.split == (split_told(own.parent) or "train")
    return own if told else Path(file.split, folder_name(file.folder_class), own)


def _crop_into(
    place: Path, pictures: Iterable[Picture], size_px: int, classed: bool, colour: bool
) -> Cropped:
    detector = create_detector()
    cropper = FaceCropper(detector.margin_ratio, size_px, colour=colour)
    faces = several = number = 0
    nobody, unread = [], []
    taken: set[Path] = set()
    for number, (name, image) in enumerate(pictures, 1):
        if image is None:
            unread.append(str(name))
            continue
        found = [face for face in detector.detect_still(image) if face.box.width >= DEFAULT_MIN_FACE_PX]
        found.sort(key=lambda face: -face.box.width)
        if not found:
            nobody.append(str(name))
        several += len(found) > 1
        for order, face in enumerate(found[:1] if classed else found, 1):
            crop = cropper.crop(image, face.box)
            target = _free_place(place / name, f"_{order}" if order > 1 else "", taken)
            taken.add(target)
            target.write_bytes(cv2.imencode(".png", crop[..., ::-1] if colour else crop)[1].tobytes())
            faces += 1
        if number % 100 == 0:
            log.info("%d photographs", number)
    return Cropped(number, faces, several, tuple(nobody), tuple(unread))


def _free_place(picture: Path, order: str, taken: set[Path]) -> Path:
    """Return where a face of ``picture`` goes, its folder made, none of the places ``taken``: a number tells a.1.jpg
    from a_1.jpg."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    stem = picture.name.replace(".", "_") + order
    names = chain([f"{stem}.png"], (f"{stem}_again{number}.png" for number in count(1)))
    return next(place for place in map(picture.with_name, names) if place not in taken)


def photograph_notes(root: Path, dataset: Dataset) -> tuple[str, ...]:
    """Return a line where the pictures of ``dataset``, at ``root``, are whole photographs rather than faces.

    Some of them are looked at: the largest face of a photograph takes less than half of its width.
    """
    sizes = [(min(map(int, form.split(" ")[0].split("x"))), count) for form, count in dataset.formats.items()]
    if 2 * sum(count for side, count in sizes if side >= LEAST_SIDE_PX) <= len(dataset):
        return ()
    detector = create_detector()
    images = sample_pictures(root, LOOKED_AT)
    seen = [share for image in images if (share := _share(image, detector.detect_still(image)))]
    if 2 * sum(share < MOST_SHARE for share in seen) <= len(images):
        return ()
    return (
        f"the pictures look like whole photographs: a face takes {100 * float(np.median(seen)):.0f} % of their width "
        f"({len(images)} looked at), and a network learns from faces alone; 'toolkit data crop "
        f"{shlex.quote(str(root))} --out FACES' cuts them out",
    )


def _share(image: np.ndarray, found: Sequence[Detection]) -> float:
    return float(max((face.box.width for face in found), default=0.0) / image.shape[1])
