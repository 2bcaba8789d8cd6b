"""Where a data set comes from: its name, and whether its faces are synthetic."""

from dataclasses import replace
from pathlib import Path

from toolkit.data.dataset import Dataset
from toolkit.data.files.broken import refuse_too_many_broken
from toolkit.data.files.split_names import split_of
from toolkit.data.synthesis import MARK, SOURCE


def with_source(dataset: Dataset, source: Path, synthetic: bool, lenient: bool) -> Dataset:
    """Return ``dataset`` as that of ``source``; EdgeError, unless ``lenient``, for too many broken images."""
    if not lenient:
        refuse_too_many_broken(dataset.broken, dataset.counts(), source)
    return replace(dataset, source=f"{source} ({SOURCE})" if synthetic else str(source), synthetic=synthetic)


def is_marked(root: Path, image: Path) -> bool:
    """Return whether a folder from ``root`` down to ``image``, or the one that ``root`` is a split of, has the mark of
    synthetic faces."""
    folders = [root, *(folder for folder in image.parents if root in folder.parents)]
    if split_of(root.resolve().name):
        folders.append(root.resolve().parent)
    return any((folder / MARK).is_file() for folder in folders)
