"""The faces that float and quantized name differently, as small pictures. Only made when asked for."""

import base64
from typing import Any

import cv2
import numpy as np

from device.errors import EdgeError
from toolkit.data.dataset import Dataset
from toolkit.data.ferplus import with_majority_labels
from toolkit.data.loading import load_dataset
from toolkit.evaluation.evaluate import choose_split, match_classes
from toolkit.results.compare import Flip
from toolkit.results.types import Comparison, DataIdentity, Results

MOST_SHOWN = 60


def flipped_faces(results: Results, source: str) -> list[dict[str, Any]]:
    """Return the flips of every comparison on the faces at ``source``: picture (data URI), names, words.

    Lost faces come first, won ones last. Raises EdgeError if no comparison was made on these faces.
    """
    comparisons = [(entry.model.name, found) for entry in results.models for found in entry.comparisons]
    if not comparisons:
        raise EdgeError(
            "--faces shows faces that flipped, but no comparison of two models is in these results"
        )
    data = load_dataset(source)
    shown, matched = [], False
    for name, found in comparisons:
        faces = _same_faces(data, found.data)
        if faces is None:
            continue
        matched = True
        flips = sorted(found.paired.flips, key=_order)
        shown += [_picture(name, found, faces, flip) for flip in flips]
    if not matched:
        wanted = ", ".join(sorted({f"{found.data.source} ({found.data.split})" for _, found in comparisons}))
        raise EdgeError(f"the faces at {source} are not those that were compared; pass --faces {wanted}")
    return shown[:MOST_SHOWN]


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


def _picture(name: str, found: Comparison, faces: Dataset, flip: Flip) -> dict[str, Any]:
    classes = found.data.classes
    label, before, after = (classes[index] for index in (flip.label, flip.float_class, flip.quantized_class))
    was, now = f"{before} {flip.float_probability:.0%}", f"{after} {flip.quantized_probability:.0%}"
    return {
        "image": png_address(faces.images[flip.row]),
        "alt": f"a face labelled {label}; float says {was}, quantized {now}",
        "model": name,
        "label": label,
        "before": was,
        "after": now,
        "won": flip.quantized_class == flip.label,
        "synthetic": found.data.synthetic,
    }


def png_address(image: np.ndarray) -> str:
    """Return a gray image (H, W) uint8 as a data URI."""
    _, encoded = cv2.imencode(".png", image)
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode()
