"""Cascades that contradict themselves: OpenCV follows them out of its memory, so they never reach it."""

import re
from pathlib import Path

import cv2
import pytest

from device.errors import EdgeError
from device.faces.detectors import create_detector
from device.faces.detectors.cascade_file import cascade_fault
from device.faces.detectors.haar import CASCADE

DATA = Path(cv2.__file__).parent / "data"
GOOD = (DATA / CASCADE).read_text()
NODE = r"(<internalNodes>\s*)0 -1 \d+"


def changed(pattern: str, replacement: str) -> str:
    made, count = re.subn(pattern, replacement, GOOD, flags=re.DOTALL)
    assert count
    return made


KINDS = {
    "nesting": (
        "<opencv_storage>" + "<a>" * 50_000 + "</a>" * 50_000 + "</opencv_storage>",
        "no cascade of Haar",
    ),
    "features of another kind": (changed("HAAR", "LBP"), "no cascade of Haar"),
    "a feature that is not there": (changed(NODE, r"\g<1>0 -1 99999999"), "not there"),
    "a feature below the first": (changed(NODE, r"\g<1>0 -1 -5"), "not there"),
    "a node that is not there": (changed(NODE, r"\g<1>7 9 0"), "leads nowhere"),
    "a node that leads to itself": (changed(NODE, r"\g<1>0 -9 0"), "leads nowhere"),
    "no threshold": (changed(r"(<internalNodes>\s*0 -1 \d+) [-+.e\d]+", r"\g<1>"), "leads nowhere"),
    "a threshold that is no number": (changed(r"<stageThreshold>[^<]*", "<stageThreshold>.NaN"), "number"),
    "an endless leaf": (changed(r"<leafValues>\s*\S+", "<leafValues>inf"), "number"),
    "a feature outside": (changed(r"(<rects>\s*<_>\s*)\d+ \d+", r"\g<1>20 -1"), "out of the window"),
    "a window of nothing": (changed("<width>24", "<width>0"), "a window of 0x24"),
    "no stages": (changed("<stages>.*</stages>", "<stages></stages>"), "no stages"),
    "half a file": (GOOD[:20_000], "no XML"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cascade_that_contradicts_itself_is_refused_in_a_line(tmp_path, kind):
    content, word = KINDS[kind]
    (tmp_path / "own.xml").write_text(content)
    with pytest.raises(EdgeError, match=f"is not a cascade that OpenCV can read: .*{word}") as raised:
        create_detector(model_file=tmp_path / "own.xml")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [CASCADE, "haarcascade_frontalface_alt2.xml", "haarcascade_smile.xml"])
def test_opencvs_own_are_taken(name):
    """Trees of one node and of several; upright features and tilted ones."""
    assert cascade_fault((DATA / name).read_bytes()) == ""
    assert create_detector(model_file=DATA / name).name == "haar"
