"""Results files that somebody else wrote: whatever stands in them is drawn as plain text or refused in one line."""

import copy
import json
import re
import xml.etree.ElementTree as ET

import pytest

from device.errors import EdgeError
from toolkit.reporting.build import make_report
from toolkit.results.json_file import DEEPEST, LARGEST_BYTES, LONGEST_TEXT, MOST_VALUES

pytestmark = pytest.mark.toolkit
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")
NAMES = {
    "mathtext": r"$\frac{$",
    "html": "<script>alert(1)</script>",
    "template": "{{ 7 * 7 }}{% raw %}",
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "direction": "\u202egnp.yppah\u2066",
    "lines": "a\nb\r\n\u2028c",
    "half a pair": "\ud800 \udfff",
    "colour of a chart": 'x #010101; id="y" url(#z)',
    "underscore": "_hidden",
    "markdown": "[x](javascript:1) | `y` | <img src=x>",
    "xml": "--> ]]> &lt; <!--",
    "long": "n" * (LONGEST_TEXT - 1),
    "empty": "",
    "other letters": "счастье 幸福 😀",
}


def named(document: dict, name: str) -> dict:
    """Return the document with a class and a model called ``name``."""
    text = json.dumps(document)
    text = text.replace('"happy"', json.dumps(name))
    document = json.loads(text)
    document["models"][0]["model"]["name"] = name or "model"
    return document


def write(document, path):
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_text_and_nothing_else(evaluated, timed, load_json, tmp_path, name):
    paths = [
        write(named(load_json(path), name), tmp_path / f"{path.stem}.json") for path in (evaluated, timed)
    ]
    report = make_report(paths)
    page, markdown, document = report.to_html("r.json"), report.to_markdown(), json.dumps(report.to_json())
    (page + markdown).encode()
    assert not CONTROL.search(page + markdown)
    assert [tag for tag in ("<script", "<img") if tag in page + markdown] == []
    assert "](javascript" not in markdown.replace("\\]", "")
    assert "\\u001b" not in document
    charts = re.findall(r"<svg.*?</svg>", page, flags=re.S)
    assert len(charts) > 3
    for chart in charts:
        ET.fromstring(chart)
    if name == NAMES["colour of a chart"]:
        assert "#010101; id=" in page
    if name == NAMES["mathtext"]:
        assert r"$\frac{$" in page


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for row, one in enumerate(value[:2]):
            yield from leaves(one, (*path, row))
    yield path


def changed(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


HOSTILE = [None, "text", -1, 10**18, 0, 0.5, True, [], {}, [None], {"a": "b"}, 2**70]


@pytest.mark.parametrize("which", ["evaluated", "timed"])
def test_any_value_in_any_place_is_shown_or_refused(request, which, load_json, tmp_path):
    document = load_json(request.getfixturevalue(which))
    shown, refused = 0, []
    for number, path in enumerate(filter(None, leaves(document))):
        for value in HOSTILE[number % 3 :: 3]:  # every place and every value, in a third of their pairs
            file = write(changed(document, path, value), tmp_path / "changed.json")
            try:
                report = make_report([file])
                json.dumps(report.to_json(), allow_nan=False)
                report.to_markdown()
                shown += 1
            except EdgeError as error:
                refused.append(len(str(error)))
    assert shown > 40
    assert len(refused) > 150
    assert max(refused) < 1_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schema": ' + "1" * 5000 + "}", "over 4,000 digits"),
        ('{"schema": ' + "1" * 400 + "}", "at most 64 bits"),
        ('{"schema": 1e999}', "inf"),
        ('{"a": ' * 100_000, "nests over"),
        ("[" * 100_000, "nests over"),
        ('{"a": ' + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1) + "}", "nests over"),
        ('{"schema": "' + "x" * (LONGEST_TEXT + 1) + '"}', "a text of 4,001 characters"),
        (" " * (LARGEST_BYTES + 2048), "it has 15,627 KB, expected at most 15,625"),
        ('{"a": [' + "1," * MOST_VALUES + "1, 1]}", "over 300,000 values"),
        ("\x00", "no JSON"),
        ('{"schema": "fer-edge/results", "schema_version": "\\u001b[31m"}', "schema version"),
    ],
)  # fmt: skip
def test_a_document_beyond_all_bounds_is_one_line(forked_toolkit, tmp_path, text, words):
    path = tmp_path / "in.json"
    path.write_text(text)
    done = forked_toolkit("report", path, "--out", tmp_path / "r.html")
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 1_000
    assert not CONTROL.search(done.stderr)
    assert list(tmp_path.iterdir()) == [path]


CONTRADICTIONS = {
    "an interval upside down": (
        lambda one: one["report"].update(interval=[0.9, 0.1]),
        "0.9 to 0.1 is no interval",
    ),
    "an interval over 1": (lambda one: one["report"].update(interval=[0.1, 7]), "0.1 to 7 is no interval"),
    "other faces": (lambda one: one["report"].update(n=5000), "5000 faces, but 28 in the confusion matrix"),
    "an accuracy of its own": (
        lambda one: one["report"].update(accuracy=0.99),
        "accuracy is 0.99, but its counts make it",
    ),
    "more right than counted": (lambda one: one["report"].update(correct_n=28), "correct_n is 28, but"),
    "a better balance": (
        lambda one: one["report"].update(balanced_accuracy=0.9),
        "balanced_accuracy is 0.9, but",
    ),
    "a class found": (
        lambda one: one["report"]["per_class"]["fear"].update(recall=0.93),
        "recall of 'fear' is 0.93, but",
    ),
    "a class undefined": (lambda one: one["report"]["per_class"]["fear"].update(recall=None), "is None, but"),
    "calibration": (
        lambda one: one["report"].update(expected_calibration_error=0.001),
        "expected_calibration_error is 0.001, but",
    ),
    "bins": (
        lambda one: one["report"]["calibration"][0].update(n=900),
        "28 faces, but 9",
    ),
    "an interval of others": (
        lambda one: one["report"].update(interval=[0.0, 1.0]),
        "interval is (0.0, 1.0), but",
    ),
    "faces of the data": (
        lambda one: one["data"].update(n=280),
        "the report is about 28 faces, its data has 280",
    ),
    "less lost": (
        lambda one: one["paired"].update(drop_points=-0.1),
        "drop_points is -0.1, but its counts make it 0",
    ),
    "a float accuracy of its own": (
        lambda one: one["paired"].update(float_accuracy=0.9),
        "quantized_accuracy is",
    ),
    "agreement": (
        lambda one: one["paired"].update(top1_agreement=9.0),
        "an agreement of 9 are none of 28 faces",
    ),
    "flips": (lambda one: one["paired"].update(flips_to_wrong=900), "900 flips"),
    "drop": (lambda one: one["paired"].update(drop_points=-90.0), "a drop of -90 points lies outside"),
}


@pytest.mark.parametrize(("change", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_figures_that_contradict_each_other_are_refused(evaluated, load_json, tmp_path, change, words):
    document = load_json(evaluated)
    entry = document["models"][1]
    change(entry["comparisons" if "paired" in change.__code__.co_consts else "evaluations"][0])
    with pytest.raises(EdgeError, match=re.escape(words)):
        make_report([write(document, tmp_path / "r.json")])


def test_the_same_faces_with_other_classes_are_refused(evaluated, load_json, tmp_path):
    first, second = load_json(evaluated), load_json(evaluated)
    first["models"], second["models"] = first["models"][:1], second["models"][1:]
    second = json.loads(json.dumps(second).replace('"angry"', '"Wut"'))
    paths = [write(first, tmp_path / "a.json"), write(second, tmp_path / "b.json")]
    with pytest.raises(EdgeError, match=r"of angry, .* in one figure and of Wut, .*; measure again"):
        make_report(paths)


def test_a_run_may_lack_what_is_told_beside_its_times(evaluated, timed, load_json, tmp_path):
    document, stats = (
        load_json(evaluated),
        load_json(timed)["models"][0]["latencies"][0]["stages"]["classify"],
    )
    document["runs"] = [{"latency": {"total": stats}, "seconds": 3.0}, {"latency": {}, "frames": 0}]
    page = make_report([write(document, tmp_path / "r.json")]).to_html("r.json")
    assert "? frames, ? faces<" in page
    assert "0 frames, ? faces<" in page
    document["runs"][0]["frames"] = -5
    with pytest.raises(EdgeError, match="frames, faces or seconds are below 0"):
        make_report([write(document, tmp_path / "r.json")])
    document["runs"] = [{"latency": {"total": {**stats, "p50_ms": [0] * 9000}}}]
    with pytest.raises(EdgeError, match=r"r\.json is a damaged run .*p50_ms is \[0, 0, .*…"):
        make_report([write(document, tmp_path / "r.json")])


def test_what_measured_may_tell_less_of_itself(evaluated, load_json, tmp_path):
    document = load_json(evaluated)
    document["provenance"] = {"versions": {"python": "3"}}
    assert "<td>–, –</td>" in make_report([write(document, tmp_path / "r.json")]).to_html("r.json")


def test_a_ratio_without_its_interval_is_damaged(timed, load_json, tmp_path):
    document = load_json(timed)
    del document["models"][1]["latencies"][0]["extra"]["ratio"]["high"]
    with pytest.raises(EdgeError, match=r"r\.json is a damaged results file .*extra\.ratio has no 'high'"):
        make_report([write(document, tmp_path / "r.json")])
