"""Count anew the instructions that models take on each emulated board: toolkit/emulation/counts.json.

make arm64-reference        # after a change of the models, or one that is meant to change what a frame costs
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from device.model.expression_model import load_model
from device.model.file.metadata import weights_sha256
from toolkit.emulation.boards import BOARDS, Board
from toolkit.emulation.counts import PACKAGES
from toolkit.emulation.estimate import count_model

COUNTS = Path(__file__).parents[2] / "toolkit" / "emulation" / "counts.json"


def count_on(board: Board, path: Path) -> dict[str, int]:
    """Return the counts of one inference and of frames of the demo on the board's core."""
    return asdict(count_model(board, path, tuple(load_model(path).labels)))


def main() -> None:
    models = {}
    for path in (load_model().path, *map(Path, sys.argv[1:])):
        counts = {key: count_on(board, path) for key, board in BOARDS.items()}
        models[weights_sha256(path.read_bytes())] = {"name": path.name, "boards": counts}
        print(path, counts)
    COUNTS.write_text(json.dumps({"packages": list(PACKAGES), "models": models}, indent=1) + "\n")


if __name__ == "__main__":
    main()
