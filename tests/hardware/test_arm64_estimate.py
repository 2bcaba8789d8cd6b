"""Counting on real emulated cores: repeatable, through the device's own code, and faster where dot products are.

Needs qemu-user 7.2, mmdebstrap and gcc (Debian: apt install qemu-user mmdebstrap gcc); makes an arm64 system of 540 MB
in the user's cache at the first run. Two minutes.
"""

from pathlib import Path

import pytest

from device.model import load_model
from toolkit.emulation.boards import BOARDS
from toolkit.emulation.estimate import count_model, count_rounds
from toolkit.emulation.tree import ensure_tree, missing_programs

pytestmark = [
    pytest.mark.toolkit,
    pytest.mark.skipif(bool(missing_programs()), reason=f"apt install {' '.join(missing_programs())}"),
]
SHIPPED = Path(__file__).parents[2] / "models" / "best_int8.tflite"


@pytest.fixture(scope="module")
def tree():
    return ensure_tree()


def test_counts_are_repeatable(tree, tiny_tflite):
    labels = tuple(load_model(tiny_tflite).labels)
    first, again = (count_rounds(BOARDS["pi4"], "classify", tiny_tflite, labels, 3, tree) for _ in range(2))
    assert min(first) == pytest.approx(min(again), rel=0.02)
    assert min(first) > 10_000


def test_dot_products_save_instructions(tree):
    if not SHIPPED.exists():
        pytest.skip(f"{SHIPPED.name} is not built")
    labels = tuple(load_model(SHIPPED).labels)
    pi4, pi5 = (
        min(count_rounds(BOARDS[key], "classify", SHIPPED, labels, 2, tree)) for key in ("pi4", "pi5")
    )
    assert pi5 < 0.6 * pi4


def test_a_followed_face_is_cheaper_than_a_search(tree, tiny_tflite):
    count = count_model(BOARDS["pi5"], tiny_tflite, tuple(load_model(tiny_tflite).labels), tree)
    assert count.classify < count.steady_frame < 0.5 * count.searched_frame
