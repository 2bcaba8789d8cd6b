"""The frame loop that the tests of this room run."""

import pytest

from device.faces.detectors import create_detector
from device.faces.face_finder import FaceFinder
from device.model.expression_model import load_model
from device.runtime.frame_loop import FrameLoop
from device.runtime.latency import LatencyRecorder
from device.runtime.smoothing import ScoreSmoother


@pytest.fixture
def make_loop(tiny_model):
    def build(detector="haar", every_frame=False, smoothing_s=0.4, continuous=True, **kwargs):
        finder = FaceFinder(create_detector(detector, reduce=not every_frame, **kwargs), every_frame)
        return FrameLoop(
            finder, load_model(tiny_model), ScoreSmoother(smoothing_s), LatencyRecorder(), continuous
        )

    return build
