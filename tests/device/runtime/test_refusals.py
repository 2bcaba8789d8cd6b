"""Options that would do nothing: refused, whether typed, set in a file or asked for by a program."""

import cv2
import numpy as np
import pytest

import device
from device.capture.sources import open_source
from device.cli.run import asked_options, run
from device.errors import EdgeError, UsageError
from device.runtime.options import RunOptions
from device.runtime.refusals import (
    BELONGS_TO,
    SHOWN,
    asked_detector,
    asked_model,
    check_options,
    refuse_alone,
    refuse_still,
)

GIVEN = {name: True if getattr(RunOptions, name) is False else "x" for name in BELONGS_TO}


@pytest.mark.parametrize("name", BELONGS_TO)
def test_an_option_without_what_it_belongs_to_is_refused(name):
    main, _ = BELONGS_TO[name]
    with pytest.raises(
        UsageError, match=rf"^`{name}` belongs to `{main}`; add `{main}=\w+` or leave it out$"
    ):
        check_options(RunOptions("demo", **{name: GIVEN[name]}))
    refuse_alone(RunOptions("demo", **{name: GIVEN[name], main: "x.csv"}))


def test_rows_on_standard_output_are_not_added_to_others():
    with pytest.raises(UsageError, match="`append` belongs to `output`; add `output=FILE`"):
        refuse_alone(RunOptions("demo", output="-", append=True))


def test_a_dry_run_needs_rules():
    with pytest.raises(UsageError, match="`dry_run_rules` belongs to the rules of `config`"):
        check_options(RunOptions("demo", dry_run_rules=True))
    refuse_alone(RunOptions("demo", dry_run_rules=True, rules=({"gpio": 1},)))


def test_a_broker_of_the_environment_or_a_file_is_one(monkeypatch, tmp_path):
    settings = tmp_path / "config.toml"
    settings.write_text('mqtt = "pi.local"\n')
    refuse_alone(asked_options(run.make_context("run", ["--mqtt-topic", "x", "--config", str(settings)])))
    monkeypatch.setenv("FER_EDGE_MQTT", "pi.local")
    refuse_alone(asked_options(run.make_context("run", ["--mqtt-topic", "x"])))


def test_a_pixel_range_is_for_files_that_tell_none(tiny_model):
    with pytest.raises(UsageError, match=r"`pixel_range` is for files that do not tell .*; leave it out"):
        asked_model(RunOptions(model=str(tiny_model), pixel_range="0..1"))
    assert asked_model(RunOptions(model=str(tiny_model), pixel_range="0..255")).pixel_range == "0..255"


@pytest.mark.parametrize(
    ("one", "other"), [("output", "save_frames"), ("video", "annotate"), ("save_frames", "timeline")]
)
def test_two_outputs_in_one_place_are_refused(one, other, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    places = {one: str(tmp_path / "same"), other: str(tmp_path / "link" / "same")}
    with pytest.raises(UsageError, match=rf"^`{one}` and `{other}` are both .*/same; name two places$"):
        check_options(RunOptions("demo", **places))


@pytest.mark.parametrize("output", [None, "-"])
def test_nothing_is_replaced_where_nothing_is_written(output):
    with pytest.raises(
        UsageError, match=r"`overwrite` replaces what `output`, .* wrote, and none is asked for"
    ):
        refuse_alone(RunOptions("demo", output=output, overwrite=True))
    refuse_alone(RunOptions("demo", output=output, overwrite=True, annotate="marked"))


def test_faces_are_blurred_where_somebody_may_see_them():
    with pytest.raises(
        UsageError, match=r"`blur_faces` is for the pictures of `preview`, .*and none is asked for"
    ):
        refuse_alone(RunOptions("demo", output="rows.csv", blur_faces=True))
    for name in SHOWN:
        refuse_alone(RunOptions("demo", blur_faces=True, mqtt="pi.local", **{name: "x"}))


@pytest.fixture
def picture(tmp_path) -> str:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64), np.uint8))
    return str(tmp_path / "a.png")


@pytest.mark.parametrize("option", [{"smoothing": 1.0}, {"min_face": 60}, {"every_frame": True}])
def test_what_films_and_cameras_alone_heed_is_refused_for_pictures(picture, option):
    (name,) = option
    with pytest.raises(
        UsageError, match=rf"`{name}` is for films and cameras, and .*a\.png holds single pictures"
    ):
        check_options(RunOptions(picture, **option))
    for source in (open_source("demo"), None):
        refuse_still(RunOptions("demo", **option), source)


def test_what_a_settings_file_says_in_vain_is_only_told(picture, tmp_path, said, caplog):
    caplog.set_level("INFO", "device")
    settings = tmp_path / "config.toml"
    settings.write_text("smoothing = 1.0\nblur-faces = true\noverwrite = true\n")
    check_options(asked_options(run.make_context("run", ["--config", str(settings), "--source", picture])))
    assert [line.partition(": ")[0] for line in said] == [
        f"`{name}` does nothing in this run" for name in ("overwrite", "blur_faces", "smoothing")
    ]
    typed = ["--config", str(settings), "--source", picture, "--smoothing", "2"]
    with pytest.raises(UsageError, match="`smoothing` is for films and cameras"):
        check_options(asked_options(run.make_context("run", typed)))


def test_a_program_is_told_the_same_of_pictures(picture, tiny_model):
    with pytest.raises(UsageError, match="`smoothing` is for films and cameras"):
        device.run(picture, model=tiny_model, detector="haar", smoothing=1.0)


def test_the_smallest_face_of_yunet_decides_how_far_frames_are_shrunk(yunet_file):
    asked = {"min_face": 60, "every_frame": True}
    with pytest.raises(UsageError, match=r"`min_face` decides .*`every_frame` shrinks none; leave out one"):
        asked_detector(RunOptions("demo", detector_model=str(yunet_file), **asked))
    assert asked_detector(RunOptions("demo", detector="haar", **asked)).min_face_px == 60


def test_a_file_is_no_folder_for_pictures(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeError, match="file: it is no folder; choose another place"):
        check_options(RunOptions("demo", save_frames=str(tmp_path / "file")))


def test_rows_are_kept_or_replaced():
    both = {"output": "rows.csv", "append": True, "overwrite": True}
    with pytest.raises(UsageError, match="`append` keeps the rows that `overwrite` replaces"):
        refuse_alone(RunOptions("demo", **both))
    refuse_alone(RunOptions("demo", timeline="run.png", **both))  # which overwrite is for
