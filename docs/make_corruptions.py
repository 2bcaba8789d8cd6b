"""Write docs/pictures/corruptions.png: a face of no real person under every corruption, at its three strengths.

python docs/make_corruptions.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from toolkit.data.synthesis import load_synthetic
from toolkit.evaluation.corruptions import CORRUPTIONS, corrupt
from toolkit.evaluation.robustness import DEFAULT_SEED

OUT = Path(__file__).parent / "pictures" / "corruptions.png"
SHOWN = "happy"


def main() -> None:
    """Draw a row a corruption in two columns of tiles, the face itself at the left of each row."""
    dataset = load_synthetic().with_classes((SHOWN,))
    face = dataset.images[:1]
    half = len(CORRUPTIONS) // 2
    figure, axes = plt.subplots(half, 8, figsize=(11.2, 1.62 * half), layout="constrained")
    for number, corruption in enumerate(CORRUPTIONS):
        left = 4 * (number // half)
        tiles = [(face[0], corruption.name)]
        for strength in corruption.strengths:
            tiles.append((corrupt(face, corruption, strength, DEFAULT_SEED)[0], corruption.words(strength)))
        for column, (tile, words) in enumerate(tiles):
            place = axes[number % half, left + column]
            place.imshow(tile, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            place.set_title(words, fontsize=9, fontweight="bold" if column == 0 else "normal")
            place.set_axis_off()
    figure.savefig(OUT, dpi=90, metadata={"Software": None})


if __name__ == "__main__":
    main()
