"""The instructions that the shipped model and the frame loop take on each emulated board, in arm64_reference.json.

make arm64-reference        # after a change of the model, or one that is meant to change them
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from device.model.expression_model import load_model
from toolkit.emulation.boards import BOARDS, Board
from toolkit.emulation.estimate import PACKAGES, count_model

REFERENCE = Path(__file__).with_suffix(".json")


def subject() -> dict[str, Any]:
    """Return what is counted: the shipped model's digest and the packages under it."""
    return {"model_sha256": load_model().sha256, "packages": list(PACKAGES)}


def count_shipped(board: Board) -> dict[str, int]:
    """Return the counts of one inference and of frames of the demo on the board's core."""
    model = load_model()
    return asdict(count_model(board, model.path, tuple(model.labels)))


def main() -> None:
    document = {**subject(), "instructions": {key: count_shipped(board) for key, board in BOARDS.items()}}
    REFERENCE.write_text(json.dumps(document, indent=1) + "\n")
    print(REFERENCE)


if __name__ == "__main__":
    main()
