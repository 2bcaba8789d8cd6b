"""Cuts and moved pictures, told from films that the demo source draws."""

import numpy as np
import pytest

from device.capture.sources.demo import DemoSource, MovingFace
from device.faces.detectors import create_detector
from device.faces.face_finder import FaceFinder
from device.faces.scene_change import Change, SceneChange
from device.frames import Frame


def textured(seed: int) -> np.ndarray:
    """A picture of soft blobs: ``(480, 1280, 3) uint8``."""
    import cv2

    rough = np.random.default_rng(seed).integers(20, 230, (8, 16, 3), dtype=np.uint8)
    return cv2.resize(rough, (1280, 480), interpolation=cv2.INTER_CUBIC)


def changes(images) -> list[Change]:
    scene = SceneChange()
    return [scene.compare(image) for image in images]


def test_another_picture_is_a_cut_once():
    one, other = textured(1)[:, :640], textured(2)[:, :640]
    told = changes([one] * 5 + [other] * 5)
    assert [number for number, change in enumerate(told) if change is Change.CUT] == [5]
    assert set(told) == {Change.STEADY, Change.CUT}


def test_the_same_picture_brighter_or_darker_is_no_cut():
    image = textured(1)[:, :640]
    flicker = [(image * gain).astype(np.uint8) for gain in (1.0, 0.7, 1.0, 0.6, 0.9, 0.5, 1.0)]
    assert Change.CUT not in changes(flicker)


@pytest.mark.parametrize("step_px", [4, 12, 30])
def test_a_pan_is_no_cut(step_px):
    wide = textured(3)
    views = [wide[:, left : left + 640] for left in range(0, 640, step_px)]
    assert Change.CUT not in changes(views)


def test_noise_in_the_dark_is_no_change():
    rng = np.random.default_rng(0)
    dark = [np.clip(rng.normal(6, 4, (120, 160)), 0, 255).astype(np.uint8) for _ in range(20)]
    assert set(changes(dark)) == {Change.STEADY}


def test_what_has_moved_since_the_mark_is_told():
    wide, scene = textured(3), SceneChange()
    for left in range(0, 200, 10):
        scene.compare(wide[:, left : left + 640])
        if left == 0:
            assert scene.has_moved()  # nothing was marked yet
            scene.mark()
            assert not scene.has_moved()
    assert scene.has_moved()


@pytest.mark.parametrize("detector", ["haar", "yunet"])
def test_a_cut_forgets_every_face_at_once(detector, request):
    """Before the cut a face is known; after it nothing is reported where it was, and the new face is another one."""
    file = request.getfixturevalue("yunet_file") if detector == "yunet" else None
    finder = FaceFinder(create_detector(detector, 30, file))
    with (
        DemoSource(1, faces=(MovingFace(140, (160, 200), (0, 0), 1.0),)) as one,
        DemoSource(1, faces=(MovingFace(140, (480, 280), (0, 0), 1.0),)) as other,
    ):
        here, there = one.picture(0), other.picture(0)
    there[:, :240] = textured(1)[:, :240]  # the demo's background is the same everywhere
    scenes = [here] * 8 + [there] * 8
    reported = []
    for number, image in enumerate(scenes):
        reported.append(finder.find(Frame(image, number, number * 33_000_000)))
    assert [face.id for face in reported[7]] == [1]
    assert all(face.box.center_xy[0] > 320 for faces in reported[8:] for face in faces)
    assert [face.id for face in reported[-1]] == [2]
