"""The benchmark's tables on terminals of any width."""

import io
import json

import pytest
from rich.console import Console

from toolkit.cli.tables import print_benchmark, print_evaluation
from toolkit.results.codec import read_results, results_from_json
from toolkit.results.whole_way import ALL_FACES, FaceGroup, Share, WholeWay
from toolkit.results.words import whole_way_words

pytestmark = pytest.mark.toolkit


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_names_are_whole_and_the_least_important_columns_go(timed, width):
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    print_benchmark(read_results(timed), console)
    lines = console.export_text().splitlines()
    for name in ("tiny_int8.tflite", "twin_int8.tflite"):
        assert sum(line.startswith(name) for line in lines) == 2
    rows = [line for line in lines if not line.startswith("  (no room for ")]
    assert all(len(line.rstrip()) <= width for line in rows)
    assert "p50" in " ".join(rows)
    told = [line for line in lines if line not in rows]
    assert bool(told) == (width < 80)
    assert width > 60 or "import ms" in told[0]


def test_a_pipe_gets_every_column(toolkit_command, tiny_tflite, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("COLUMNS")  # readline sets it where Python does not see it
    model = tmp_path / f"{'a_long_name_' * 5}int8.tflite"
    model.write_bytes(tiny_tflite.read_bytes())
    done = toolkit_command("benchmark", "--model", model, "--runs", "5", "--warmup", "1")
    costs, times = (line for line in done.stdout.splitlines() if line.startswith(model.name))
    assert (len(costs.split()), len(times.replace(" *", "").split())) == (8, 8)


def test_names_from_outside_are_shown_as_they_are(evaluated, load_json):
    text = (
        json.dumps(load_json(evaluated))
        .replace("tiny_int8.tflite", "[red]x[/red]")
        .replace('"happy"', '"[/]"')
    )
    out = io.StringIO()
    console = Console(file=out, width=200, highlight=False)
    print_evaluation(results_from_json(json.loads(text)), verbose=True, console=console)
    assert "[red]x[/red]" in out.getvalue()
    assert out.getvalue().count("[/]") >= 3


@pytest.mark.parametrize(
    ("false_n", "clips_n", "told"),
    [
        (None, 0, "unknown without boxes"),
        (0, 0, "0.00 (0 in all)"),
        (6, 1, "1.50 (6 in all); frames of a clip are alike, so the intervals are too narrow"),
    ],
)
def test_false_detections_are_told_a_picture_where_boxes_are_known(false_n, clips_n, told):
    faces = FaceGroup("", ALL_FACES, 4, Share.of(3, 4), Share.of(2, 3), Share.of(2, 4))
    line = whole_way_words(WholeWay("photos", "haar", 40, 4, clips_n, false_n, (faces,)))
    assert line == f"4 pictures, detector haar, faces of 40 px and more; false detections a picture: {told}"
