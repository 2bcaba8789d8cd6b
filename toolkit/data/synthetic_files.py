"""What ``toolkit data synth`` does: synthetic faces into folders or a sheet."""

from pathlib import Path

from device.errors import UsageError
from toolkit.data.fitting import FACES_PER_CLASS, Progress, fit_and_sample
from toolkit.data.loading import load_dataset
from toolkit.data.synthesis import MARK, SHEET_COLUMNS, load_synthetic, write_sheet
from toolkit.data.writing import in_three_splits, write_folders
from toolkit.outputs import refuse_output

MARK_TEXT = "The faces in these folders are synthetic, of no real person: toolkit data synth made them.\n"


def write_shipped(out: Path, overwrite: bool = False) -> dict:
    """Write the shipped synthetic faces as folders by split and class; return what was written."""
    dataset = in_three_splits(load_synthetic())
    write_folders(dataset, out, overwrite, {MARK: MARK_TEXT})
    splits = {name: int((dataset.splits == name).sum()) for name in dataset.present_splits()}
    return {"synthetic": True, "faces": len(dataset), "classes": list(dataset.classes), "splits": splits}


def write_fitted(
    data: Path,
    out: Path,
    faces: int = FACES_PER_CLASS,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = lambda text: None,
) -> dict:
    """Fit a model of faces on ``data``, write a sheet of ``faces`` samples a class to ``out``; return how it went."""
    refuse_output(out, overwrite, (data,))
    if out.suffix.lower() != ".png":
        raise UsageError(f"expected a PNG file for the sheet of fitted faces; received {out}")
    if faces < 1 or faces % SHEET_COLUMNS:
        raise UsageError(
            f"--faces is {faces}; expected a multiple of {SHEET_COLUMNS}: the sheet has as many a row"
        )
    synthesis = fit_and_sample(load_dataset(data), faces, seed, progress=progress)
    write_sheet(synthesis.faces.images, out, overwrite=overwrite)
    return synthesis.to_json()
