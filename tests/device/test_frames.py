"""Boxes: what they measure, and how much of them is shared."""

import pytest

from device.frames import BoundingBox

BOX = BoundingBox(10, 20, 40, 30)  # 30 wide, 10 high


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (BOX, 1.0),
        (BoundingBox(25, 20, 55, 30), 150 / 450),  # half of each
        (BoundingBox(10, 20, 25, 25), 75 / 300),  # a part of it
        (BoundingBox(30, 25, 50, 65), 50 / (300 + 800 - 50)),  # of another size and shape
        (BoundingBox(40, 20, 50, 30), 0.0),  # edge to edge
        (BoundingBox(10, 30, 40, 40), 0.0),
        (BoundingBox(100, 20, 130, 30), 0.0),
    ],
)
def test_intersection_over_union(other, expected):
    assert BOX.iou(other) == pytest.approx(expected)
    assert other.iou(BOX) == pytest.approx(expected)


def test_a_box_knows_its_sides_and_centre():
    assert (BOX.width, BOX.height, BOX.center_xy) == (30, 10, (25, 25))
    assert BoundingBox(0.4, 1.6, 9.5001, 8.2).xyxy() == (0, 2, 10, 8)


@pytest.mark.parametrize("corners", [(1, 1, 1, 5), (1, 5, 4, 5), (3, 1, 1, 5), (1, 6, 4, 5)])
def test_boxes_refuse_to_be_empty(corners):
    with pytest.raises(ValueError, match="empty"):
        BoundingBox(*corners)
