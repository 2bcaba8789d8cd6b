"""The whole way on pictures: the device's own detector, alignment, crop and network against labelled faces."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from device.errors import EdgeError, UsageError
from device.faces.alignment import face_roll_deg
from device.faces.cropping import crop_face
from device.frames import CROP_MARGIN, BoundingBox, Frame
from device.model.expression_model import ExpressionModel
from device.results import Face
from device.runtime.build import frame_loop
from device.runtime.frame_loop import FrameLoop
from device.runtime.options import RunOptions
from device.text import did_you_mean
from toolkit.data.class_names import normal_class_name
from toolkit.evaluation.labelled_pictures import LabelledPicture, labelled_pictures
from toolkit.models.options import AS_THE_FILE_SAYS, ModelOptions
from toolkit.models.predictors import open_tflite, refuse_unheeded
from toolkit.results.identity import identity_of
from toolkit.results.provenance import now
from toolkit.results.types import ModelResults, Results
from toolkit.results.whole_way import ALL_FACES, FaceGroup, Share, WholeWay

log = logging.getLogger(__name__)
SAME_FACE_IOU = 0.3  # people draw boxes tighter or wider than a detector
# Upper ends of the groups; the last group has none.
SIZES = (("under 48 px", 48.0), ("48 to 96 px", 96.0), ("over 96 px", np.inf))
TILTS = (("under 10°", 10.0), ("10 to 20°", 20.0), ("over 20°", np.inf))
LIGHTS = (("dark", 85.0), ("middle", 170.0), ("bright", np.inf))  # mean gray of the box, thirds of 0..255
CONDITIONS = {"size": SIZES, "tilt": TILTS, "light": LIGHTS}


@dataclass(frozen=True)
class _Labelled:
    """What became of a labelled face: its group in each condition, its ``label``, None for a class that nobody asked
    for, and what the network ``named``, None where it was not found."""

    groups: dict[str, str]
    label: str | None
    named: str | None


@dataclass
class _Counted:
    faces: list[_Labelled] = field(default_factory=list)
    pictures_n: int = 0
    clips_n: int = 0
    false_n: int = 0


def with_whole_way(
    results: Results,
    models: list[str],
    frames: str,
    detector: str | None = None,
    classes: tuple[str, ...] | None = None,
    options: ModelOptions = AS_THE_FILE_SAYS,
) -> Results:
    """Return ``results`` with the figures of the whole way on the pictures in ``frames`` for each .tflite file.

    detector: as ``create_detector`` takes it; classes: the network names these only, and faces of other classes have
    none; options: of all models, whose pixel range is that of ``results`` where neither file nor options tell it.
    Keras files among several models are left out, for a board does not run them. Raises UsageError if no .tflite is
    left, EdgeError for a folder without labelled pictures or a class that a model does not know.
    """
    on_a_board = [path for path in models if Path(path).suffix == ".tflite"]
    if not on_a_board:
        raise UsageError(
            f"`frames` measures what a board runs, a .tflite; received {models[0]}; make one with 'toolkit quantize'"
        )
    opened = {path: open_tflite(path, options) for path in on_a_board}
    if len(on_a_board) == len(models):
        refuse_unheeded(opened, options)
    pictures = labelled_pictures(Path(frames))
    entries = {entry.model.sha256: entry for entry in results.models}
    for path, model in opened.items():
        log.info(f"whole pictures of {frames} through {path}: {len(pictures)} files")
        entry = entries.get(model.sha256) or ModelResults(identity_of(path, model))
        if entry.model.pixel_range and not model.range_is_known:
            model = model.with_pixel_range(entry.model.pixel_range)
        measured = measure_whole_way(model, pictures, frames, detector, classes)
        entries[model.sha256] = replace(entry, whole_way=(measured,))
    return replace(results, models=tuple(entries.values()))


def measure_whole_way(
    model: ExpressionModel,
    pictures: list[LabelledPicture],
    source: str,
    detector: str | None = None,
    classes: tuple[str, ...] | None = None,
) -> WholeWay:
    """Return what ``model`` and the device's way to it find and name right in ``pictures``.

    A labelled face is found if a detection overlaps it by 0.3 (intersection over union), or, in a picture without
    boxes, if any face is found; the largest is then the labelled one. Pictures that cannot be read are warned of.

    >>> figures = measure_whole_way(load_model(), labelled_pictures(Path("photos")), "photos")
    >>> figures.all_faces.found.ratio
    """
    names = {normal_class_name(name): name for name in classes or model.labels}
    _refuse_unknown(names, model, pictures if classes is None else [])
    options = RunOptions(detector=detector)
    loop = frame_loop(options, model, continuous=False)
    counted = _Counted()
    for picture in pictures:
        if picture.boxes is None and picture.label not in names:
            continue  # of a class that was not asked for
        before = counted.pictures_n
        try:
            for image in picture.images():
                _count(counted, picture, image, loop, names, options.min_face)
                counted.pictures_n += 1
        except EdgeError as error:
            log.warning("%s; it is left out", error)
        counted.clips_n += picture.is_clip and counted.pictures_n > before
    if not counted.pictures_n:
        raise EdgeError(f"no picture of {source} could be used; expected readable photographs or clips")
    boxed = pictures[0].boxes is not None
    return WholeWay(
        source,
        loop.finder.detector.name,
        options.min_face,
        counted.pictures_n,
        counted.clips_n,
        counted.false_n if boxed else None,
        tuple(_groups(counted, boxed)),
        now(),
    )


def _refuse_unknown(names: dict[str, str], model: ExpressionModel, pictures: list[LabelledPicture]) -> None:
    known = f"it knows: {', '.join(model.labels)}"
    if surplus := sorted(set(names.values()) - set(model.labels)):
        meant = did_you_mean(surplus[0], model.labels)
        raise EdgeError(f"the model does not know the class '{surplus[0]}'; {meant}{known}")
    used = {label for picture in pictures for _, label in picture.boxes or ((None, picture.label),)}
    if unknown := sorted(label for label in used if label and label not in names):
        raise EdgeError(
            f"the pictures are of the class '{unknown[0]}', which the model does not know; {known}; pass `classes` "
            "with those to evaluate on"
        )


def _count(
    counted: _Counted,
    picture: LabelledPicture,
    image: np.ndarray,
    loop: FrameLoop,
    names: dict[str, str],
    min_face_px: int,
) -> None:
    """Add one image: its labelled faces, found or not, and detections where none is."""
    found = loop.process(Frame(image, 0, loop.clock_ns(), name=str(picture.path))).faces

    def named(face: Face) -> str:
        return max(names, key=lambda name: face.scores[names[name]])

    if picture.boxes is None:
        if not found:
            counted.faces.append(_Labelled({}, picture.label, None))
            return
        largest = max(found, key=lambda face: face.box.width)
        groups = _conditions(image, largest.box, loop.cropper.margin_ratio)
        counted.faces.append(_Labelled(groups, picture.label, named(largest)))
        return
    owners = match_boxes([box for box, _ in picture.boxes], [face.box for face in found])
    for place, (box, label) in enumerate(picture.boxes):
        if box.width >= min_face_px:
            own = owners.get(place)
            groups = _conditions(image, box, CROP_MARGIN)
            known = label if label in names else None
            counted.faces.append(_Labelled(groups, known, None if own is None else named(found[own])))
    counted.false_n += sum(
        all(face.box.iou(box) < SAME_FACE_IOU for box, _ in picture.boxes) for face in found
    )


def match_boxes(labelled: list[BoundingBox], found: list[BoundingBox]) -> dict[int, int]:
    """Return for the places of ``labelled`` that were found the place in ``found``, one each, best overlap first."""
    overlaps = sorted(
        ((box.iou(other), row, column) for row, box in enumerate(labelled) for column, other in enumerate(found)),
        reverse=True,
    )  # fmt: skip
    owners: dict[int, int] = {}
    for iou, row, column in overlaps:
        if iou >= SAME_FACE_IOU and row not in owners and column not in owners.values():
            owners[row] = column
    return owners


def _conditions(image: np.ndarray, box: BoundingBox, margin_ratio: float) -> dict[str, str]:
    """Return the group of a face for each condition; ``margin_ratio``: of the crop, in widths of ``box``."""
    values = {
        "size": box.width,
        "tilt": abs(face_roll_deg(crop_face(image, box, margin_ratio))),
        "light": float(crop_face(image, box, 1.0).mean()),
    }
    return {
        condition: next(name for name, end in CONDITIONS[condition] if value < end)
        for condition, value in values.items()
    }


def _groups(counted: _Counted, boxed: bool) -> Iterator[FaceGroup]:
    yield _group(counted, ALL_FACES, ALL_FACES, True)
    for condition, groups in CONDITIONS.items():
        for name, _ in groups:
            yield _group(counted, condition, name, boxed)


def _group(counted: _Counted, condition: str, name: str, missed_known: bool) -> FaceGroup:
    faces = [face for face in counted.faces if name in (ALL_FACES, face.groups.get(condition))]
    found = [face for face in faces if face.named is not None]
    classed = [face for face in faces if face.label is not None]
    right = sum(face.label == face.named for face in classed)
    return FaceGroup(
        condition,
        name,
        len(faces),
        Share.of(len(found), len(faces)) if missed_known else None,
        Share.of(right, sum(face.label is not None for face in found)),
        Share.of(right, len(classed)) if missed_known else None,
    )
