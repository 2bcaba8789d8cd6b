"""``toolkit report``: one page, whole, that says what the results say."""

import json
import re
from html.parser import HTMLParser

import pytest

from toolkit.results.codec import read_results

pytestmark = pytest.mark.toolkit

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Outline(HTMLParser):
    """Collects what the checks need, and that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.ids, self.charts, self.text = [], [], [], 0, []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value for key, value in attrs if key in ("src", "href", "xlink:href", "action")]
        self.ids += [given["id"]] if "id" in given else []
        self.charts += tag == "svg" and given.get("role") == "img"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory, forked_toolkit, evaluated, timed):
    out = tmp_path_factory.mktemp("report") / "report.html"
    done = forked_toolkit("report", evaluated, timed, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def outline(report):
    found = Outline()
    found.feed(report.read_text())
    return found


def test_page_is_whole_and_loads_nothing(report, outline):
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert all(address.startswith(("#", "data:")) for address in outline.addresses)
    assert "url(http" not in report.read_text()
    assert "<script" not in report.read_text()


def test_every_chart_has_a_text_alternative(report, outline):
    assert outline.charts >= 5
    text = report.read_text()
    for name in re.findall(r'aria-labelledby="(\S+)-t ', text):
        assert re.search(rf'<title id="{name}-t">[^<]+</title><desc id="{name}-d">[^<]{{10,}}</desc>', text)


def test_colours_come_from_the_page(report):
    charts = "".join(re.findall(r"<svg.*?</svg>", report.read_text(), flags=re.S))
    assert "#0" not in re.sub(r'"#[A-Za-z][^"]*"|url\(#[^)]*\)', "", charts)


def test_page_and_json_say_what_the_results_say(report, outline, evaluated):
    accuracy = read_results(evaluated).models[0].evaluations[0].report.accuracy
    text = " ".join(outline.text)
    assert f"{100 * accuracy:.1f} %" in text
    assert "article 5(1)(f)" in text
    document = json.loads(report.with_suffix(".json").read_text())
    assert document["decision"]["choice"] in text
    assert document["decision"]["synthetic"] is False


def test_the_json_beside_is_a_results_file_again(report, forked_toolkit, tmp_path):
    done = forked_toolkit("report", report.with_suffix(".json"), "--out", tmp_path / "again.html", "--json")
    again, first = json.loads(done.stdout), json.loads(report.with_suffix(".json").read_text())
    assert again["models"] == first["models"]
    assert again["decision"] == first["decision"]


def test_synthetic_faces_are_called_so(evaluated, timed, forked_toolkit, tmp_path, load_json):
    document = load_json(evaluated)
    for entry in document["models"]:
        for measured in (*entry["evaluations"], *entry["comparisons"]):
            measured["data"]["synthetic"] = True
    (tmp_path / "synthetic.json").write_text(json.dumps(document))
    done = forked_toolkit("report", tmp_path / "synthetic.json", timed, "--out", tmp_path / "r.html")
    assert done.returncode == 0
    page = Outline()
    page.feed((tmp_path / "r.html").read_text())
    text = " ".join("".join(page.text).split())
    assert re.search(r"names [\d.]+\s% of 28 synthetic faces right", text)
    assert "accuracy, synthetic faces" in text
    assert "28 synthetic faces (of no real person)" in text


def test_a_device_run_becomes_a_section(evaluated, forked_toolkit, tmp_path):
    stats = {
        "n": 90,
        "mean_ms": 2.0,
        "p50_ms": 1.875,
        "p90_ms": 2.5,
        "p99_ms": 4.0,
        "max_ms": 5.0,
        "warmup_n": 5,
    }
    run = {
        "source": "demo",
        "frames": 95,
        "faces": 180,
        "seconds": 1.9,
        "latency": {"detect": stats, "frame": stats},
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    done = forked_toolkit("report", evaluated, tmp_path / "run.json", "--out", tmp_path / "r.html", "--json")
    assert json.loads(done.stdout)["runs"][0]["latency"]["detect"]["p50_ms"] == 1.875
    text = (tmp_path / "r.html").read_text()
    assert "device run on demo" in text
    assert "50.0 frames a second" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        ("{", "no JSON"),
        ("{}", "no results file"),
        ('{"frames": 1, "latency": {}}', "no results of"),
    ],
)
def test_bad_input_writes_nothing(forked_toolkit, tmp_path, content, words):
    path = tmp_path / "in.json"
    if content is not None:
        path.write_text(content)
    done = forked_toolkit("report", path, "--out", tmp_path / "r.html")
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "r.html").exists()
    assert not (tmp_path / "r.json").exists()


def test_nothing_is_overwritten_unasked(forked_toolkit, evaluated, tmp_path):
    (tmp_path / "r.json").write_text("mine")
    done = forked_toolkit("report", evaluated, "--out", tmp_path / "r.html")
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    assert (tmp_path / "r.json").read_text() == "mine"
    assert not (tmp_path / "r.html").exists()


def test_the_report_never_replaces_what_it_is_made_of(forked_toolkit, evaluated, tmp_path):
    (tmp_path / "r.json").write_bytes(evaluated.read_bytes())
    done = forked_toolkit("report", tmp_path / "r.json", "--out", tmp_path / "r.html", "--overwrite")
    assert done.returncode == 2
    assert "choose another name" in done.stderr
    assert (tmp_path / "r.json").read_bytes() == evaluated.read_bytes()
