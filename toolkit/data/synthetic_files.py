"""The shipped synthetic faces as folders."""

from pathlib import Path
from typing import Any

from toolkit.data.synthesis import MARK, load_synthetic
from toolkit.data.writing import in_three_splits, write_folders

MARK_TEXT = "The faces in these folders are synthetic, of no real person: toolkit data synth made them.\n"


def write_shipped(out: Path, overwrite: bool = False) -> dict[str, Any]:
    """Write the shipped synthetic faces as folders by split and class; return what was written."""
    dataset = in_three_splits(load_synthetic())
    write_folders(dataset, out, overwrite, {MARK: MARK_TEXT})
    splits = {name: int((dataset.splits == name).sum()) for name in dataset.present_splits()}
    return {"synthetic": True, "faces": len(dataset), "classes": list(dataset.classes), "splits": splits}
