"""Faces as small pictures, only made when asked for: those that two models name differently, and the worst mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from device.errors import EdgeError
from toolkit.charts.pages import png_uri
from toolkit.data.dataset import Dataset
from toolkit.data.ferplus import with_majority_labels
from toolkit.data.matching import choose_split, match_classes
from toolkit.data.readers.loading import load_dataset
from toolkit.results.compare import Flip
from toolkit.results.mistakes import Mistake
from toolkit.results.types import Comparison, DataIdentity, Evaluation, Results

MOST_SHOWN = 60
MISTAKES_SHOWN = 12  # of a model


@dataclass(frozen=True)
class FacePictures:
    """What the page shows of faces: ``flips`` of comparisons, and the worst ``mistakes`` of each model by its name."""

    flips: tuple[dict[str, Any], ...] = ()
    mistakes: tuple[dict[str, Any], ...] = ()


def face_pictures(results: Results, source: str) -> FacePictures:
    """Return pictures (data URIs) with names and words of the faces at ``source``.

    Of flips, lost faces come first and won ones last. Raises EdgeError if nothing was measured on these faces, or the
    results name no face.
    """
    compared = [(entry.model.name, found) for entry in results.models for found in entry.comparisons]
    evaluated = [
        (entry.model.name, found) for entry in results.models for found in entry.evaluations if found.mistakes
    ]
    measured = [one.data for _, one in compared] + [one.data for _, one in evaluated]
    if not measured:
        raise EdgeError("`faces` shows flips and mistakes, but these results name no face; evaluate again")
    faces_of = _faces_of(measured, source)
    flips = [
        _flip(name, comparison, faces, flip)
        for name, comparison in compared
        if (faces := faces_of[comparison.data.fingerprint])
        for flip in sorted(comparison.paired.flips, key=_order)
    ]
    mistakes = [
        _mistake(name, evaluation, faces, found)
        for name, evaluation in evaluated
        if (faces := faces_of[evaluation.data.fingerprint])
        for found in evaluation.mistakes[:MISTAKES_SHOWN]
    ]
    return FacePictures(tuple(flips[:MOST_SHOWN]), tuple(mistakes[:MOST_SHOWN]))


def _faces_of(measured: Sequence[DataIdentity], source: str) -> dict[str, Dataset | None]:
    """Return the faces at ``source`` by each fingerprint in ``measured``, None for others; EdgeError for no faces."""
    data = load_dataset(source)
    found: dict[str, Dataset | None] = {}
    for one in measured:
        if one.fingerprint not in found:
            found[one.fingerprint] = _same_faces(data, one)
    if all(faces is None for faces in found.values()):
        known = sorted({f"{one.source} ({one.split})" for one in measured})
        raise EdgeError(
            f"the faces at {source} are not those that were measured; pass `faces` {', '.join(known)}"
        )
    return found


def _mistake(name: str, evaluation: Evaluation, faces: Dataset, found: Mistake) -> dict[str, Any]:
    label, named = evaluation.data.classes[found.label], evaluation.data.classes[found.named]
    return {
        "image": png_uri(faces.images[found.row]),
        "alt": f"a face labelled {label}; {name} says {named} {found.probability:.0%}",
        "model": name,
        "label": label,
        "named": f"{named} {found.probability:.0%}",
        "synthetic": evaluation.data.synthetic,
    }


def _same_faces(data: Dataset, wanted: DataIdentity) -> Dataset | None:
    """Return the split of ``data``, under its own labels or FER+'s, that is ``wanted`` to the pixel, or None."""
    for labelled in (data, *([] if data.votes is None else [with_majority_labels(data)])):
        try:
            split, faces = choose_split(match_classes(labelled, wanted.classes, wanted.classes), wanted.split)
        except EdgeError:
            continue
        if DataIdentity.of(faces, split).fingerprint == wanted.fingerprint:
            return faces
    return None


def _order(flip: Flip) -> int:
    """Return 0 for a lost face, 2 for a won one, 1 for one that both name wrong."""
    return 0 if flip.float_class == flip.label else 2 if flip.quantized_class == flip.label else 1


def _flip(name: str, found: Comparison, faces: Dataset, flip: Flip) -> dict[str, Any]:
    classes = found.data.classes
    label, before, after = (classes[index] for index in (flip.label, flip.float_class, flip.quantized_class))
    was, now = f"{before} {flip.float_probability:.0%}", f"{after} {flip.quantized_probability:.0%}"
    return {
        "image": png_uri(faces.images[flip.row]),
        "alt": f"a face labelled {label}; {found.baseline} says {was}, {name} {now}",
        "model": name,
        "label": label,
        "before": was,
        "after": now,
        "won": flip.quantized_class == flip.label,
        "synthetic": found.data.synthetic,
    }
