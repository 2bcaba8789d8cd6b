"""``toolkit report --compare``: what changed, and what may not be compared."""

import json

import pytest

pytestmark = pytest.mark.toolkit


@pytest.fixture
def edited(evaluated, timed, tmp_path, load_json):
    """A function that joins evaluation and times into one report file after ``edit`` changed each model's entry."""

    def make(name, edit=lambda entry: None):
        document, times = load_json(evaluated), load_json(timed)
        for entry, other in zip(document["models"], times["models"], strict=True):
            entry["latencies"] = other["latencies"]
            edit(entry)
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return make


@pytest.fixture
def lose_two_faces(counted_report):
    """A function that makes of an entry that of another model, which names two faces more wrong."""

    def lose(entry):
        [evaluation] = entry["evaluations"]
        counts = evaluation["report"]["confusion"]
        for _ in range(2):
            number = next(index for index, row in enumerate(counts) if row[index])
            counts[number][number] -= 1
            counts[number][number - 1] += 1
        evaluation["report"] = counted_report(counts)
        entry["model"]["sha256"] = "0" + entry["model"]["sha256"][1:]

    return lose


def slow_down(entry):
    stats = entry["latencies"][0]["stages"]["classify"]
    for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms"):
        stats[key] *= 1.25


def test_what_changed_is_told_and_judged(edited, lose_two_faces, forked_toolkit, tmp_path):
    old, new = edited("old.json"), edited("new.json", lambda entry: (lose_two_faces(entry), slow_down(entry)))
    out = tmp_path / "r.html"
    done = forked_toolkit(
        "report", "--compare", old, new, "--out", out, "--fail-if", "drop>5 or p50_ratio>1.2"
    )
    assert done.returncode == 1
    assert "tiny_int8.tflite (drop 7.143, p50_ratio 1.25)" in done.stderr
    changes = json.loads(out.with_suffix(".json").read_text())["changes"]
    assert changes[0]["drop"] == pytest.approx(100 * 2 / 28)
    assert changes[0]["drop_interval"][0] < changes[0]["drop"] < changes[0]["drop_interval"][1]
    assert "Since the older report" in out.read_text()
    assert "1.25×" in out.with_suffix(".md").read_text()
    done = forked_toolkit("report", "--compare", old, new, "-q", "--fail-if", "drop>8 or p50_ratio>1.3")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_other_faces_are_not_compared_silently(edited, forked_toolkit):
    def other_faces(entry):
        for found in (*entry["evaluations"], *entry["comparisons"]):
            found["data"]["fingerprint"] = "f" * 64

    old, new = edited("old.json"), edited("new.json", other_faces)
    done = forked_toolkit("report", "--compare", old, new)
    assert "accuracy on other faces, or labels in another order: not compared" in done.stdout
    done = forked_toolkit("report", "--compare", old, new, "-q", "--fail-if", "drop>0.5")
    assert done.returncode == 1
    assert "no model here has drop" in done.stderr


def test_another_machine_is_not_compared_silently(edited, forked_toolkit):
    def on_a_pi(entry):
        entry["latencies"][0]["target"] = "pi5"

    old, new = edited("old.json"), edited("new.json", on_a_pi)
    done = forked_toolkit("report", "--compare", old, new)
    assert "latency on another target" in done.stdout


def test_another_processor_is_not_compared_silently(edited, forked_toolkit):
    def on_a_laptop(entry):
        entry["latencies"][0]["cpu"] = "a laptop's"

    old, new = edited("old.json"), edited("new.json", on_a_laptop)
    done = forked_toolkit("report", "--compare", old, new, "--fail-if", "p50_ratio>1.2")
    assert "latency on another target or processor" in done.stdout
    assert done.returncode == 1
    assert "no model here has p50_ratio" in done.stderr


def test_nan_latency_is_refused(edited, forked_toolkit):
    def no_number(entry):
        entry["latencies"][0]["stages"]["classify"]["p50_ms"] = float("nan")

    done = forked_toolkit("report", edited("nan.json", no_number))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "p50_ms is nan" in done.stderr


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_no_number_passes_no_condition(edited, forked_toolkit, value, tmp_path):
    def no_number(entry):
        entry["latencies"][0]["extra"]["ratio"]["ratio"] = value

    path = edited("nan.json", no_number)
    done = forked_toolkit("report", path, "--fail-if", "p50_ratio>1.1", "--out", tmp_path / "r.html")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"ratio is {value}; expected a number" in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_without_a_baseline_nothing_passes(edited, forked_toolkit):
    def alone(entry):
        entry["comparisons"] = []
        for latency in entry["latencies"]:
            del latency["extra"]["ratio"]

    path = edited("alone.json", alone)
    for figure in ("drop", "p50_ratio"):
        done = forked_toolkit("report", path, "-q", "--fail-if", f"{figure}>1.1")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert f"no model here has {figure}" in done.stderr


def test_one_report_cannot_be_compared(edited, forked_toolkit):
    done = forked_toolkit("report", "--compare", edited("old.json"))
    assert done.returncode == 2
    assert "OLD and NEW" in done.stderr


def test_flips_are_shown_only_when_asked_for(edited, evaluated, forked_toolkit, face_folders, tmp_path):
    def flip(entry):
        for found in entry["comparisons"]:
            found["paired"]["flips"] = [
                {"row": 5, "label": 1, "float_class": 1, "quantized_class": 2, "float_probability": 0.5,
                 "quantized_probability": 0.4},
            ]  # fmt: skip

    path = edited("flips.json", flip)
    forked_toolkit("report", path, "--out", tmp_path / "a.html")
    assert "<img" not in (tmp_path / "a.html").read_text()
    done = forked_toolkit("report", path, "--out", tmp_path / "b.html", "--faces", face_folders)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "b.html").read_text()
    flips, mistakes = page.split("Faces that flipped")[1].split("Worst mistakes")
    assert flips.count('<img src="data:image/png') == 1
    assert mistakes.count('<img src="data:image/png') > 1
    assert "a face labelled disgust; tiny_int8.tflite says disgust 50%, twin_int8.tflite fear 40%" in page


def test_faces_of_other_data_are_refused(evaluated, forked_toolkit, tmp_path, face_folders):
    import shutil

    shutil.copytree(face_folders / "train", tmp_path / "test")
    done = forked_toolkit("report", evaluated, "--faces", tmp_path, "--out", tmp_path / "r.html")
    assert done.returncode == 1
    assert "not those that were measured" in done.stderr
    assert not (tmp_path / "r.html").exists()
