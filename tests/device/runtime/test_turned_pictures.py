"""A source that stands on its head or side is told so, by the real YuNet."""

import pytest
from whole_run import play

from device.capture.sources.demo import DemoSource
from device.capture.sources.turned import TurnedSource
from device.faces.detectors import create_detector
from device.runtime.build import run_with
from device.runtime.options import RunOptions
from device.runtime.turned_pictures import TurnedPictures


@pytest.mark.usefixtures("yunet_file")
def test_a_run_that_turns_what_is_upright_is_told(tiny_model, said):
    assert run_with(RunOptions("demo:8", str(tiny_model), detector="yunet", rotate=90)).faces == 0
    assert [line for line in said if "rotate" in line] == [
        "most pictures show no face, but with `rotate` 0 one of them does"
    ]


@pytest.mark.parametrize(
    ("hung", "rotate", "flip", "upright"),
    [
        (90, 0, None, 270),
        (180, 0, None, 180),
        (270, 0, None, 90),
        (90, 90, None, 270),
        (90, 0, "both", 90),
        (90, 0, "horizontal", 270),
        (270, 180, "vertical", 270),
    ],
)
def test_the_rotation_that_sets_the_pictures_upright_is_told(
    yunet_file, make_loop, said, hung, rotate, flip, upright
):
    sink = TurnedPictures(create_detector("yunet", model_file=yunet_file), rotate, flip)
    source = TurnedSource(TurnedSource(DemoSource(4), hung), rotate, flip)
    for result in play(make_loop("yunet", model_file=yunet_file), source)[0]:
        sink.write(result)
    sink.close()
    assert said == [f"most pictures show no face, but with `rotate` {upright} one of them does"]


@pytest.mark.usefixtures("yunet_file")
def test_upright_pictures_are_not(tiny_model, said):
    run_with(RunOptions("demo:8", str(tiny_model), detector="yunet"))
    assert not any("rotate" in line for line in said)


@pytest.mark.parametrize(("upright", "turned", "tells"), [(5, 4, False), (4, 5, True)])
def test_a_few_turned_pictures_among_others_are_not(yunet_file, make_loop, said, upright, turned, tells):
    sink = TurnedPictures(create_detector("yunet", model_file=yunet_file))
    for source in (DemoSource(upright), TurnedSource(DemoSource(turned), 180)):
        for result in play(make_loop("yunet", model_file=yunet_file), source)[0]:
            sink.write(result)
    sink.close()
    assert any("rotate" in line for line in said) == tells


@pytest.mark.parametrize("detector", ["haar", "yunet"])
def test_where_nobody_is_nothing_is_told(yunet_file, make_loop, said, detector):
    sink = TurnedPictures(create_detector(detector, model_file=yunet_file if detector == "yunet" else None))
    for result in play(make_loop(), DemoSource(4, faces=()))[0]:
        sink.write(result)
    sink.close()
    assert said == []
