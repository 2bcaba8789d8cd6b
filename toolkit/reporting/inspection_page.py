"""The inspection of a data set as one HTML page that loads nothing from elsewhere. It shows the user's own faces."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from device.files import write_together
from toolkit.charts.class_chart import class_chart
from toolkit.charts.pages import png_uri, render_page
from toolkit.data.dataset import FACE_SIZE, Dataset
from toolkit.data.inspection import Inspection

SAMPLES_PER_CLASS = 16
GROUPS_SHOWN = 24
FACES_OF_A_GROUP = 6


def write_inspection(inspection: Inspection, page: Path, document: Path, overwrite: bool = False) -> None:
    """Write the HTML page and the JSON document, both whole or neither."""
    told = json.dumps(inspection.to_json(), indent=1) + "\n"
    write_together({page: render_inspection(inspection), document: told}, overwrite)


def render_inspection(inspection: Inspection) -> str:
    """Return the page of an inspection."""
    dataset, document = inspection.dataset, inspection.to_json()
    near = inspection.pairs if inspection.pairs is not None else np.empty((0, 2), np.int64)
    return render_page(
        "toolkit.reporting",
        "inspection.html",
        document=document,
        chart=Markup(class_chart(document["counts"], dataset.classes)),
        samples=sample_rows(dataset),
        conflicts=[group_picture(dataset, group) for group in inspection.conflicts[:GROUPS_SHOWN]],
        copies=[group_picture(dataset, group) for group in inspection.groups[:GROUPS_SHOWN]],
        near=[group_picture(dataset, pair) for pair in near[:GROUPS_SHOWN]],
        shown=GROUPS_SHOWN,
    )


def sample_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """Return a strip of faces, chosen by chance but always the same, of each class that has any."""
    rng = np.random.default_rng(0)
    strips = []
    for label, name in enumerate(dataset.classes):
        rows = np.flatnonzero(dataset.labels == label)
        rows = rng.permutation(rows)[:SAMPLES_PER_CLASS]
        if len(rows):
            strip = np.zeros((FACE_SIZE, SAMPLES_PER_CLASS * FACE_SIZE), np.uint8)
            strip[:, : len(rows) * FACE_SIZE] = np.hstack(list(dataset.images[rows]))
            strips.append(
                {"name": name, "image": png_uri(strip), "alt": f"{len(rows)} faces labelled {name}"}
            )
    return strips


def group_picture(dataset: Dataset, rows: np.ndarray) -> dict[str, Any]:
    """Return a strip of the faces at ``rows`` and what is said of each."""
    shown = rows[:FACES_OF_A_GROUP]
    lines = [
        f"{dataset.classes[dataset.labels[row]]} · {dataset.splits[row]} · {dataset.names[row]}"
        for row in shown
    ]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more")
    labels = ", ".join(dataset.classes[dataset.labels[row]] for row in shown)
    return {"image": png_uri(np.hstack(list(dataset.images[shown]))), "alt": f"faces labelled {labels}",
            "lines": lines, "width": len(shown) * FACE_SIZE}  # fmt: skip
