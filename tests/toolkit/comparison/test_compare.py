"""Several trainings on one page, through the door that the command line uses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from device.errors import EdgeError, UsageError
from toolkit.comparison.comparison import ComparisonRequest, compare
from toolkit.comparison.measure import Measured, Quantized, faces_to_judge, with_times
from toolkit.comparison.ranking import rank
from toolkit.comparison.variants import Variant, make_variants
from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.ferplus import VOTE_COLUMNS
from toolkit.data.label_sources import LABEL_SOURCES
from toolkit.results.compare import compare_predictions
from toolkit.results.metrics import evaluate_predictions
from toolkit.training.checkpoint import CHECKPOINT_FILE

INT8 = Path(__file__).parents[3] / "models" / "small_int8.tflite"


def test_the_ranking_is_paired_on_the_same_faces():
    rng = np.random.default_rng(0)
    easy = rng.random(2000) < 0.7
    better, worse = easy | (rng.random(2000) < 0.1), easy & (rng.random(2000) < 0.97)
    first, second = rank({"worse": [worse], "better": [better]})
    assert (first.name, first.behind) == ("better", None)
    assert second.behind == pytest.approx(100 * (better.mean() - worse.mean()))
    low, high = second.behind_interval
    assert 0 < low < second.behind < high
    assert second.p < 0.001
    assert first.interval[0] < first.accuracy < first.interval[1]


def test_what_differs_by_chance_is_not_told_apart():
    rng = np.random.default_rng(1)
    seeds = [[rng.random(500) < 0.6 for _ in range(3)] for _ in range(2)]
    _, second = rank({"one": seeds[0], "two": seeds[1]})
    assert second.p > 0.05
    assert second.behind_interval[0] < 0 < second.behind_interval[1]
    assert len(second.by_seed) == 3


NETWORK = """
import keras
def build(class_count):
    return keras.Sequential([keras.Input((24, 24, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
                             keras.layers.Dense(class_count, activation="softmax")])
"""


@pytest.mark.toolkit
def test_one_command_trains_all_and_writes_one_page(stripes, tmp_path, forked_toolkit):
    pytest.importorskip("keras", reason="training needs the [toolkit] extra")
    (tmp_path / "my_net.py").write_text(NETWORK)
    (tmp_path / "broken.py").write_text("def build(class_count):\n    return 3\n")
    command = [
        *("compare", "--data", stripes, "--out", tmp_path / "out", "--epochs", "2", "--json"),
        *("--arch", f"{tmp_path / 'my_net.py'},{tmp_path / 'broken.py'}"),
    ]
    done = forked_toolkit(*command)
    assert done.returncode == 1
    assert done.stderr.endswith("error: 1 of 2 trainings failed; the page has the others\n")
    made = json.loads(done.stdout)
    (row,) = made["ranking"]
    assert (row["name"], len(row["by_seed"]), made["split"], made["faces"]) == ("my_net", 1, "validation", 20)
    assert row["int8"]["size_bytes"] > 500
    assert row["int8"]["p50_ms"] > 0
    assert [(one["name"], one["seed"]) for one in made["failed"]] == [("broken", 0)]
    assert "gives a int; expected a Keras model" in made["failed"][0]["error"]
    page = (tmp_path / "out" / "index.html").read_text()
    for words in ("Ranking", "Confusion of my_net", "Accuracy over the epochs", "data:image/png", "Failed"):
        assert words in page


def test_boards_are_estimated_beside_the_time_of_this_machine(tmp_path, forked_toolkit):
    pytest.importorskip("tensorflow", reason="the command that times needs the [toolkit] extra")
    answers = np.eye(7)
    report = evaluate_predictions(answers, np.arange(7), FER2013_CLASSES)
    cost = compare_predictions(answers, answers, np.arange(7))
    one = Measured(
        rank({"small": [np.ones(7, bool)]})[0], report, answers, {}, quantized=Quantized(INT8, cost)
    )
    (timed,) = with_times([one], tmp_path, ["pi4"])
    assert timed.quantized.p50_ms > 0
    assert list(timed.quantized.estimates_ms) == ["Raspberry Pi 4"]


def test_a_board_that_nobody_knows_is_refused_before_the_first_training(stripes, tmp_path):
    with pytest.raises(UsageError, match="no board 'pi9'"):
        compare(ComparisonRequest(stripes, tmp_path / "out", [Variant("small")], targets=("pi9",)))
    assert not (tmp_path / "out").exists()


def test_variants_of_the_votes_are_judged_by_the_votes(tmp_path):
    rows, votes = ["emotion,pixels,Usage"], ["Usage,Image name," + ",".join(VOTE_COLUMNS)]
    for number in range(8):
        usage = ("Training", "PrivateTest")[number % 2]
        rows.append(f"{number // 4},{' '.join([str(number)] * 2304)},{usage}")
        given = ["10" if at == number // 2 else "0" for at in range(len(VOTE_COLUMNS))]
        votes.append(f"{usage},fer{number:07d}.png,{','.join(given)}")
    (tmp_path / "fer2013.csv").write_text("\n".join(rows))
    (tmp_path / "fer2013new.csv").write_text("\n".join(votes))
    judged = {source: faces_to_judge(tmp_path / "fer2013.csv", None, source)[1] for source in LABEL_SOURCES}
    assert judged["own"].counts() | {"angry": 0, "disgust": 0} == dict.fromkeys(FER2013_CLASSES, 0)
    assert judged["own"].counts()["angry"] == judged["own"].counts()["disgust"] == 2
    named = {name for name, count in judged["ferplus"].counts().items() if count}
    assert named == {"neutral", "happy", "surprise", "sad"}


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--arch", "small,compcat"], 2, "--arch is 'compcat', no architecture; there are: compact, small"),
        (
            ["--variants", "variants.toml"],
            2,
            "--arch is 'compcat', no architecture; there are: compact, small",
        ),
        (["--arch", "small,gone.py"], 1, "no architecture at gone.py; expected a Python file with build("),
        (
            ["--arch", "small", "--vary", "label_source=own,ferplus"],
            2,
            "the variants learn the labels ferplus and own, and one set of faces",
        ),
        (["--arch", "small", "--epochs", "0"], 2, "--epochs must be from 1 to 100000, not 0"),
        (
            ["--data", "synthetic"],
            1,
            "synthetic has no test split and no validation split to compare on; 'toolkit",
        ),
        (["--data", "nowhere"], 1, "no data at nowhere; expected a folder of faces"),
        (["--target", "pi9"], 2, "Invalid value for '--target': 'pi9' is not one of "),
    ],
)
def test_what_no_training_can_be_made_of_is_told_before_the_first(
    stripes, tmp_path, monkeypatch, forked_toolkit, options, code, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "variants.toml").write_text('[good]\n[wrong]\narch = "compcat"\n')
    done = forked_toolkit("compare", "--data", stripes, "--out", "out", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_no_page_is_written_where_nothing_was_measured(stripes, tmp_path):
    (tmp_path / "broken.keras").write_text("broken")
    variants = make_variants([str(tmp_path / "broken.keras")], [], None)
    with pytest.raises(
        EdgeError, match=r"all 1 trainings failed, the first one: .*broken.keras is no Keras model"
    ):
        compare(ComparisonRequest(stripes, tmp_path / "out", variants))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["broken"]


def test_a_signal_ends_the_training_that_runs_too(stripes, tmp_path):
    """Nothing half-written is left by either, and Ctrl-C of a terminal reaches the comparison alone."""
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    command = [
        *(sys.executable, "-m", "toolkit", "compare", "--data", stripes, "--out", out, "--no-int8"),
        *("--arch", "fully-connected", "--epochs", "100000"),
    ]
    running = subprocess.Popen(
        list(map(str, command)),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    checkpoint = out / "fully-connected/seed0" / CHECKPOINT_FILE
    while running.poll() is None and not checkpoint.exists():
        time.sleep(0.05)
    (child,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert os.getpgid(int(child)) != os.getpgid(running.pid)
    running.terminate()
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors.splitlines()[-1]) == (-signal.SIGTERM, "error: interrupted")
    assert not Path(f"/proc/{child}").exists()
    assert [path for path in tmp_path.rglob(".*") if path.is_file()] + list(temporary.iterdir()) == []
