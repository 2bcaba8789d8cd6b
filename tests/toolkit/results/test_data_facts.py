"""What ``toolkit data inspect --json`` found becomes a section of the report, without any face or file name."""

import json

import pytest

from device.errors import EdgeError
from toolkit.results.data_facts import DataFacts
from toolkit.results.reading import read_documents

pytestmark = pytest.mark.toolkit


@pytest.fixture(scope="module")
def inspected(tmp_path_factory, forked_toolkit, face_folders):
    """What ``data inspect`` prints of the folders, of which 2 test faces also stand in train."""
    done = forked_toolkit("data", "inspect", face_folders, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    path = tmp_path_factory.mktemp("inspected") / "data.json"
    path.write_text(done.stdout)
    return path


def test_facts_stand_in_page_json_and_markdown(
    inspected, evaluated, forked_toolkit, tmp_path, load_json, face_folders
):
    out = tmp_path / "r.html"
    done = forked_toolkit("report", evaluated, inspected, "--out", out)
    assert done.returncode == 0, done.stderr
    (facts,) = load_json(out.with_suffix(".json"))["data_sets"]
    assert facts["faces"] == 49
    assert facts["counts"]["train"]["happy"] == 3
    assert [(leak["source"], leak["into"], leak["faces"]) for leak in facts["leaks"]] == [
        ("train", "test", 2)
    ]
    page, markdown = out.read_text(), out.with_suffix(".md").read_text()
    for text in (page.replace("&#39;", "'"), markdown):
        assert "2 faces of 'test' also in 'train' (2 rows)" in text
        assert "2 redundant copies in 2 groups" in text
        assert "0 constant images" in text
    assert f"| test {'| 4 ' * 7}| 28 |" in markdown
    assert "Faces of each class, by split" in page
    assert "No model here was evaluated on a split of it" not in page
    for text in (page, markdown, json.dumps(facts)):
        assert ".png" not in text
        assert "<img" not in text


def test_the_json_beside_carries_them_on_and_the_last_inspection_stands(
    inspected, evaluated, forked_toolkit, tmp_path, load_json
):
    forked_toolkit("report", evaluated, inspected, "--out", tmp_path / "r.html")
    done = forked_toolkit("report", tmp_path / "r.json", inspected, "--json")
    assert json.loads(done.stdout)["data_sets"] == load_json(tmp_path / "r.json")["data_sets"]


def test_other_data_is_called_so(inspected, evaluated, forked_toolkit, tmp_path, load_json):
    document = load_json(inspected) | {"source": "/elsewhere/<faces>"}
    (tmp_path / "other.json").write_text(json.dumps(document))
    forked_toolkit("report", evaluated, tmp_path / "other.json", "--out", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "What is in &lt;faces&gt;" in page
    assert "No model here was evaluated on a split of it" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "inspection schema version 2, expected 1"),
        ({"duplicates": None}, "damaged inspection"),
        ({"counts": {}}, "damaged inspection"),
        ({"counts": {"train": {"happy": "many"}}}, "counts.train.happy is a text, expected a whole number"),
        ({"faces": 50}, "50 faces, but 49"),
        ({"leaks": [{"from": "train"}]}, "damaged inspection"),
    ],
)
def test_a_damaged_inspection_is_one_line(inspected, evaluated, tmp_path, load_json, change, words):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(load_json(inspected) | change))
    with pytest.raises(EdgeError, match=words) as raised:
        read_documents([str(evaluated), str(path)])
    assert "\n" not in str(raised.value)


def test_facts_alone_make_no_report(inspected, forked_toolkit):
    done = forked_toolkit("report", inspected)
    assert done.returncode == 1
    assert "no results of a model" in done.stderr
    assert "only goes beside them; add a file" in done.stderr


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "counts are not numbers"),
        ({"train": {"happy": -1, "sad": 3}}, "counts are not numbers"),
        ({"train": {"happy": True, "sad": 1}}, "counts are not numbers"),
        ({"elsewhere": {"happy": 2}}, "expected the splits"),
        ({"train": {"happy": 1}, "test": {"sad": 1}}, "each with the same classes"),
        ({"train": {"happy": 3}}, "2 faces, but 3 by split and class"),
    ],
)
def test_counts_that_contradict_themselves_are_refused(counts, words):
    numbers = {"redundant": 0, "copy_groups": 0, "conflicting_groups": 0, "near_pairs": None, "constant": 0}
    with pytest.raises(ValueError, match=words):
        DataFacts("faces", False, 2, counts, **numbers, broken=0, leaks=())
