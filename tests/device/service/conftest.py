"""A state folder of its own, and models to install into it."""

import dataclasses

import pytest

from device.model.file.metadata import read_metadata
from toolkit.models.packing import pack_metadata


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "state"
    monkeypatch.setenv("FER_EDGE_HOME", str(folder))
    return folder


@pytest.fixture
def models(tiny_model, tmp_path):
    """Three whole models that differ in what they say of themselves."""
    paths = []
    for number in range(3):
        metadata = dataclasses.replace(read_metadata(tiny_model), recipe=f"recipe {number}")
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(pack_metadata(tiny_model.read_bytes(), metadata))
        paths.append(path)
    return paths
