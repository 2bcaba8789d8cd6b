"""What all tests share."""

import os
from pathlib import Path

import pytest

SHARED_VARIABLE = "FER_EDGE_SHARED"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The data that may not be committed: $FER_EDGE_SHARED, else ``shared`` beside the repository."""
    folder = Path(os.environ.get(SHARED_VARIABLE, Path(__file__).parents[1].parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}; set {SHARED_VARIABLE}")
    return folder
