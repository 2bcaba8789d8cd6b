"""Labelled faces: one file a format, splits, copies, synthesis."""

from toolkit.data.dataset import Dataset
from toolkit.data.loading import load_dataset

__all__ = ["Dataset", "load_dataset"]
