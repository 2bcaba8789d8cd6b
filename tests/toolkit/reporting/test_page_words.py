"""What the page says: doubts before praise, each thing once, and only about what is drawn."""

import json
import re

import numpy as np
import pytest
from result_files import CLASSES

pytestmark = pytest.mark.toolkit


@pytest.fixture
def page_of(forked_toolkit, load_json, tmp_path):
    """A function that edits every entry of results files by ``change`` and returns the page's text."""

    def make(*sources, change=lambda entry: None, most=None, options=()):
        paths = []
        for number, source in enumerate(sources):
            document = load_json(source)
            if "models" in document:
                document["models"] = document["models"][:most]
                for entry in document["models"]:
                    change(entry)
            paths.append(tmp_path / f"{number}.json")
            paths[-1].write_text(json.dumps(document))
        out = tmp_path / "page.html"
        done = forked_toolkit("report", *paths, "--out", out, "--overwrite", *options)
        assert done.returncode == 0, done.stderr
        return out.read_text()

    return make


def test_times_of_a_busy_machine_are_not_believed(evaluated, timed, page_of):
    def busy(entry):
        for latency in entry["latencies"]:
            latency["stages"]["classify"] |= {"p50_ms": 0.5, "p90_ms": 40.0, "p99_ms": 56.0, "max_ms": 60.0}
            latency["extra"]["steady"] = True

    assert (
        "too busy to believe the times of tiny_int8.tflite, twin_int8.tflite: p99 is up to 112 times p50"
        in page_of(timed, change=busy)
    )
    calm = {"p50_ms": 0.5, "p90_ms": 0.6, "p99_ms": 0.7, "max_ms": 0.8}
    page = page_of(timed, change=lambda entry: entry["latencies"][0]["stages"]["classify"].update(calm))
    assert "too busy" not in page


def test_a_model_that_hardly_finds_a_class_gets_no_proud_headline(evaluated, page_of, counted_report):
    def finds(fear_n, other_n, n=40):
        right = np.where(np.array(CLASSES) == "fear", fear_n, other_n)
        named = np.diag(right) + np.roll(np.diag(n - right), 1, axis=1)

        def change(entry):
            [evaluation] = entry["evaluations"]
            evaluation["report"], evaluation["data"]["n"] = counted_report(named), int(named.sum())

        return change

    page = page_of(evaluated, change=finds(2, 38))
    assert re.search(r'class="verdict">.*is not fit for use', page)
    assert "It hardly ever finds &#39;fear&#39;: 5.0 % of 40 such faces." in page
    assert "names most faces wrong: 64.3 % of 28" in page_of(evaluated, change=finds(4, 1, 4))
    assert "is not fit for use" not in page_of(evaluated, change=finds(36, 38))


def test_one_model_alone_has_its_confusion_matrix_and_no_word_about_a_line_that_is_not_drawn(
    evaluated, timed, page_of
):
    page = page_of(evaluated, timed, most=1)
    assert page.count("Confusion matrix of tiny_int8.tflite") == 1
    assert "on the dashed line" not in page.split('id="models"')[1].split("</section>")[0]
    assert "Why not the others" not in page


def test_the_contents_lead_to_what_is_there(evaluated, timed, page_of):
    page = page_of(evaluated, timed)
    wanted = re.findall(r'<a href="#([a-z]+)">', page)
    assert {"models", "classes", "latency", "data", "limits"} <= set(wanted)
    assert [name for name in wanted if f'<section id="{name}"' not in page] == []
    assert set(re.findall(r'<section id="([a-z]+)"', page)) == set(wanted)


def test_figures_carry_the_day_of_their_measurement_not_of_the_page(
    evaluated, timed, page_of, load_json, tmp_path
):
    old = []
    for source, day in ((evaluated, "2020-01-02"), (timed, "2021-03-04")):
        old.append(tmp_path / f"{day}.json")
        old[-1].write_text(json.dumps(load_json(source) | {"created": f"{day}T05:06:07+00:00"}))
    page = page_of(*old)
    assert "Accuracy measured 2020-01-02; latency measured 2021-03-04 on host" in page
    assert set(re.findall(r"20\d\d-\d\d-\d\d", page)) == {"2020-01-02", "2021-03-04"}


def test_faces_that_leaked_are_counted_for_each_model(evaluated, page_of):
    def data_section(*counts):
        left = iter(counts)

        def change(entry):
            [found] = entry["evaluations"]
            found["leaked_n"] = next(left)
            found["without_leaks"] = found["without_leaks"] if found["leaked_n"] else None

        return page_of(evaluated, change=change).split('id="data"')[1].split("</section>")[0]

    told = [f"{name} [\\d.]+ % \\(without {{}}\\)" for name in ("tiny_int8.tflite", "twin_int8.tflite")]
    alike = data_section(2, 2)
    assert '<td class="roomy">2</td>' in alike
    assert re.search("training split: " + ", ".join(told).format(2, 2), alike)
    each = data_section(None, 2)
    assert '<td class="roomy">not known (tiny_int8.tflite), 2 (twin_int8.tflite)</td>' in each
    assert re.search("training split: " + told[1].format(2), each)


def test_two_runs_of_one_source_are_told_apart(evaluated, page_of, tmp_path):
    stats = dict.fromkeys(("mean_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms"), 2.0) | {"n": 90, "warmup_n": 5}
    run = {"source": "demo", "frames": 95, "faces": 180, "seconds": 1.9, "latency": {"detect": stats}}
    runs = [tmp_path / "one.json", tmp_path / "two.json"]
    for path in runs:
        path.write_text(json.dumps(run))
    page = page_of(evaluated, *runs)
    assert "device run on demo, run 1 of 2" in page
    assert "device run on demo, run 2 of 2" in page


def test_the_worst_mistakes_are_shown_only_when_asked_for(evaluated, page_of, face_folders):
    assert "Worst mistakes" not in page_of(evaluated)
    page = page_of(evaluated, options=("--faces", face_folders))
    mistakes = page.split('id="mistakes"')[1].split("</section>")[0]
    assert re.search(r'alt="a face labelled \w+; tiny_int8.tflite says \w+ \d+%"', mistakes)


def test_a_model_held_against_another_network_is_not_called_quantized(evaluated, page_of):
    page = page_of(evaluated)
    assert "<span>against tiny_int8.tflite</span>" in page
    assert "quantized against float" not in page
