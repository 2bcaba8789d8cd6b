"""Options that would do nothing: refused, whether typed, set in a file or asked for by a program."""

from contextlib import nullcontext

import cv2
import numpy as np
import pytest

from device.cli.run import asked_options, run
from device.errors import EdgeError, UsageError
from device.runtime.asked import asked_model
from device.runtime.build import run_with
from device.runtime.options import RunOptions
from device.runtime.refusals import BELONGS_TO, check_options, refuse_contradictions

GIVEN = {name: True if getattr(RunOptions, name) is False else "x" for name in BELONGS_TO}


@pytest.mark.parametrize("name", BELONGS_TO)
def test_an_option_without_what_it_belongs_to_is_refused(name):
    main, _ = BELONGS_TO[name]
    with pytest.raises(
        UsageError, match=rf"^`{name}` belongs to `{main}`; add `{main}=\w+` or leave it out$"
    ):
        check_options(RunOptions("demo", **{name: GIVEN[name]}))
    refuse_contradictions(RunOptions("demo", **{name: GIVEN[name], main: "x.csv"}))


@pytest.mark.parametrize(
    "seen",
    [
        {"preview": "8000"}, {"video": "film.avi"}, {"save_frames": "kept"}, {"annotate": "marked"},
        {"mqtt": "pi", "mqtt_picture": True},
    ],
)  # fmt: skip
def test_a_picture_that_somebody_will_see_has_colours(seen):
    assert RunOptions("picamera", **seen).camera_settings().colour
    assert not RunOptions("picamera", mqtt="pi", output="rows.csv").camera_settings().colour


@pytest.mark.parametrize(
    ("preview", "metrics", "refused"),
    [
        ("127.0.0.1:8091", "127.0.0.1:8091", True),
        ("127.0.0.1:8091", "0.0.0.0:8091", True),
        ("127.0.0.1:8091", "192.168.1.5:8091", False),
        ("127.0.0.1:8091", "127.0.0.1:8092", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_two_pages_at_one_address_are_refused(preview, metrics, refused):
    with pytest.raises(UsageError, match="both serve at port 8091") if refused else nullcontext():
        refuse_contradictions(RunOptions("demo", preview=preview, metrics=metrics))


def test_rows_on_standard_output_are_not_added_to_others():
    with pytest.raises(UsageError, match="`append` belongs to `output`; add `output=FILE`"):
        refuse_contradictions(RunOptions("demo", output="-", append=True))


def test_a_dry_run_needs_rules():
    with pytest.raises(UsageError, match="`dry_run_rules` belongs to the rules of `config`"):
        check_options(RunOptions("demo", dry_run_rules=True))
    refuse_contradictions(RunOptions("demo", dry_run_rules=True, rules=({"gpio": 1},)))


def test_a_broker_of_the_environment_or_a_file_is_one(monkeypatch, tmp_path):
    settings = tmp_path / "config.toml"
    settings.write_text('mqtt = "pi.local"\n')
    refuse_contradictions(
        asked_options(run.make_context("run", ["--mqtt-topic", "x", "--config", str(settings)]))
    )
    monkeypatch.setenv("FER_EDGE_MQTT", "pi.local")
    refuse_contradictions(asked_options(run.make_context("run", ["--mqtt-topic", "x"])))


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


def test_what_single_pictures_do_not_heed_is_told(tmp_path, tiny_model, said, caplog):
    caplog.set_level("INFO", "device")
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64), np.uint8))
    asked = {"model": str(tiny_model), "detector": "haar", "smoothing": 1.0, "min_face": 60}
    for source in (str(tmp_path / "a.png"), "demo:2"):
        run_with(RunOptions(source, **asked))
    told = [line for line in said if "for films and cameras" in line]
    assert [line.partition(";")[0] for line in told] == [
        f"`{name}` is for films and cameras" for name in ("min_face", "smoothing")
    ]


def test_a_file_is_no_folder_for_pictures(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeError, match="file: it is no folder; choose another place"):
        check_options(RunOptions("demo", save_frames=str(tmp_path / "file")))


def test_rows_are_kept_or_replaced():
    both = {"output": "rows.csv", "append": True, "overwrite": True}
    with pytest.raises(UsageError, match="`append` keeps the rows that `overwrite` replaces"):
        refuse_contradictions(RunOptions("demo", **both))
    refuse_contradictions(RunOptions("demo", timeline="run.png", **both))  # which overwrite is for
