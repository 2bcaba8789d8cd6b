"""Counting on emulated cores: instructions against the committed reference, and what must hold between the boards.

Needs qemu-user 7.2, mmdebstrap and gcc (Debian: apt install qemu-user mmdebstrap gcc) and the package index at the
first run.
"""

import functools

import pytest
from arm64_reference import count_on

from device.errors import EdgeError
from device.model.expression_model import load_model
from toolkit.emulation.boards import BOARDS
from toolkit.emulation.counts import PACKAGES, known_count
from toolkit.emulation.estimate import SYSTEM
from toolkit.emulation.tree import ensure_packages, ensure_tree, missing_programs

pytestmark = [
    pytest.mark.toolkit,
    pytest.mark.skipif(bool(missing_programs()), reason=f"apt install {' '.join(missing_programs())}"),
]
MARGIN = 0.05  # two counts of the same differ by 0.01 %
AGAIN = "if that is meant, 'make arm64-reference' writes it anew"


@pytest.fixture(scope="module")
def counted(package_index):
    """A function from a board's key to its counts, each made once."""
    try:
        ensure_tree(SYSTEM)
    except EdgeError as error:
        pytest.skip(str(error))
    ensure_packages(SYSTEM, PACKAGES)
    return functools.cache(lambda key: count_on(BOARDS[key], load_model().path))


@pytest.mark.parametrize("key", BOARDS)
def test_instructions_are_those_that_ship(counted, key):
    shipped = known_count(BOARDS[key], load_model().path)
    assert shipped is not None, AGAIN
    for what, expected in vars(shipped).items():
        change = counted(key)[what] / expected - 1
        assert abs(change) <= MARGIN, f"{what} on {key}: {change:+.1%} against counts.json; {AGAIN}"


def test_dot_products_save_instructions(counted):
    assert counted("pi5")["classify"] < 0.6 * counted("pi4")["classify"]


def test_a_followed_face_is_cheaper_than_a_search(counted):
    for key in BOARDS:
        count = counted(key)
        assert count["classify"] < count["steady_frame"] < 0.5 * count["searched_frame"]
