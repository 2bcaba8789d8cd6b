"""What ``toolkit data inspect`` finds, and how it tells."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from toolkit.data.inspection import inspect_dataset, several_rows
from toolkit.data.near_duplicates import near_pairs
from toolkit.data.readers.loading import load_dataset

from .conftest import make_faces, write_image


@pytest.fixture
def flawed(tmp_path):
    """train and test with happy and sad: a leak, a copy, a conflict, a near copy, a constant and a broken image."""
    root, faces = tmp_path / "flawed", make_faces(12)
    for number, face in enumerate(faces[:6]):
        write_image(root / "train" / ("happy" if number < 3 else "sad") / f"{number}.png", face)
    for number, face in enumerate(faces[6:10], start=6):
        write_image(root / "test" / "happy" / f"{number}.png", face)
    write_image(root / "train" / "happy" / "copy.png", faces[0])
    write_image(root / "train" / "sad" / "conflict.png", faces[1])
    write_image(root / "test" / "happy" / "leak.png", faces[0])
    lighter = np.clip(faces[7] * 0.8 + 30, 0, 255).astype(np.uint8)
    write_image(root / "train" / "happy" / "lighter.png", lighter)
    write_image(root / "train" / "sad" / "black.bmp", np.zeros((64, 32), np.uint8))
    (root / "train" / "sad" / "half.png").write_bytes(cv2.imencode(".png", faces[11])[1].tobytes()[:300])
    return root


def test_every_flaw_is_found(flawed):
    dataset = load_dataset(flawed, lenient=True)
    inspection = inspect_dataset(dataset)
    document = inspection.to_json()
    assert document["counts"] == {"train": {"happy": 5, "sad": 5}, "test": {"happy": 5, "sad": 0}}
    assert document["formats"] == {"48x48 gray": 14, "32x64 gray": 1}
    assert (inspection.redundant, len(inspection.groups), len(inspection.conflicts)) == (3, 2, 1)
    conflict = {(face["name"], face["label"]) for face in document["duplicates"]["conflicts"][0]}
    assert conflict == {("train/happy/1.png", "happy"), ("train/sad/conflict.png", "sad")}
    near = {face["name"] for face in document["near_duplicates"]["pairs"][0]}
    assert near == {"test/happy/7.png", "train/happy/lighter.png"}
    assert [face["name"] for face in document["constant"]] == ["train/sad/black.bmp"]
    assert document["leaks"] == [
        {"from": "train", "into": "test", "faces": 1, "rows_in_train": 2, "near_faces": 1}
    ]
    assert [image["name"] for image in document["broken"]] == ["train/sad/half.png"]
    assert "no face of class 'sad' in split 'test'" in document["findings"]


def test_the_table_has_a_column_of_totals_only_where_there_is_more_than_one_split(flawed):
    dataset = load_dataset(flawed, lenient=True)
    both = inspect_dataset(dataset, near=False).summary().splitlines()
    assert [line.split() for line in both[:3]] == [
        ["class", "train", "test", "all"],
        ["happy", "5", "5", "10"],
        ["sad", "5", "0", "5"],
    ]
    one = inspect_dataset(dataset.split("test"), near=False).summary().splitlines()
    assert [line.split() for line in one[:3]] == [["class", "test"], ["happy", "5"], ["sad", "0"]]


def test_persons_in_two_splits_are_found_by_the_names_of_the_files(tmp_path):
    splits = {"train": ("S005", "S010", "S011"), "test": ("S010", "S011", "S022")}
    for number, (split, person) in enumerate((split, one) for split, some in splits.items() for one in some):
        name = "happy" if number % 2 else "sad"
        write_image(tmp_path / split / name / f"{person}_001_00000011.png", make_faces(1, number)[0])
    findings = inspect_dataset(load_dataset(tmp_path), near=False).findings()
    assert findings == ["2 persons of 'test' also in 'train', by the names of the files"]


def test_findings_come_after_what_the_reading_told_and_name_each_class(flawed):
    dataset = replace(load_dataset(flawed, lenient=True), notes=("a note of the reader",))
    findings = inspect_dataset(dataset, near=False).findings()
    assert findings == [
        "a note of the reader",
        "no face of class 'sad' in split 'test'",
        "1 face of 'test' also in 'train' (2 rows)",
        "3 redundant copies in 2 groups of identical faces",
        "1 group of identical faces with conflicting labels",
        "1 constant image",
        findings[-1],
    ]
    assert findings[-1].startswith("broken: train/sad/half.png: ")


def test_the_largest_group_comes_first_and_rows_keep_their_order():
    groups = several_rows(np.array([3, 1, 2, 1, 0, 2, 1, 4, 4]))
    assert [group.tolist() for group in groups] == [[1, 3, 6], [2, 5], [7, 8]]


@pytest.mark.parametrize(("sizes", "rest"), [(4, ""), (5, " and 1 other sizes"), (7, " and 3 other sizes")])
def test_the_commonest_sizes_are_named_and_the_rest_counted(flawed, sizes, rest):
    formats = {f"{10 + number}x10 gray": 20 - number for number in range(sizes)}
    dataset = replace(load_dataset(flawed, lenient=True), formats=formats)
    (line,) = [
        line
        for line in inspect_dataset(dataset, near=False).summary().splitlines()
        if line.startswith("files: ")
    ]
    assert line == "files: 10x10 gray (20), 11x10 gray (19), 12x10 gray (18), 13x10 gray (17)" + rest


def test_near_copies_are_found_under_light_noise_and_jpeg_but_not_among_strangers():
    faces = make_faces(60)
    rng = np.random.default_rng(0)
    noisy = np.clip(faces[10] + rng.normal(0, 4, (48, 48)), 0, 255).astype(np.uint8)
    compressed = cv2.imdecode(cv2.imencode(".jpg", faces[20], [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0)
    lit = np.clip(faces[30] * 0.7 + 20, 0, 255).astype(np.uint8)
    images = np.stack(
        [*faces, noisy, compressed, lit, np.full((48, 48), 9, np.uint8), np.full((48, 48), 8, np.uint8)]
    )
    assert near_pairs(images).tolist() == [[10, 60], [20, 61], [30, 62]]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.text, self.loads = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "img":
            self.images.append(attributes)
        self.loads += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_data(self, data):
        self.text += data


def test_the_command_writes_a_page_and_its_json(flawed, tmp_path, toolkit_command):
    out = tmp_path / "report.html"
    done = toolkit_command("data", "inspect", flawed, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert json.loads(out.with_suffix(".json").read_text()) == document
    page = Page(out.read_text())
    assert page.images
    assert all(image["alt"] and image["src"].startswith("data:image/png") for image in page.images)
    assert all(address.startswith(("data:", "#")) for address in page.loads)
    for line in document["findings"]:
        assert line in page.text
    assert "<desc" in out.read_text()
    again = toolkit_command("data", "inspect", flawed, "--out", out)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("error:")
    assert "--overwrite" in again.stderr


def test_the_command_prints_a_table_or_one_line_of_error(flawed, tmp_path, toolkit_command):
    done = toolkit_command("data", "inspect", flawed, "--no-near")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["class", "train", "test", "all"]
    assert lines[1].split() == ["happy", "5", "5", "10"]
    assert "nearly" not in done.stdout
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (tmp_path / "nowhere", empty, flawed / "train" / "happy" / "0.png"):
        failed = toolkit_command("data", "inspect", path)
        assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (1, "", 1), failed.stderr
        assert failed.stderr.startswith("error:")


def test_fer2013_as_measured(shared_fer2013):
    inspection = inspect_dataset(shared_fer2013)
    assert len(shared_fer2013) == 32298
    assert (inspection.redundant, len(inspection.groups)) == (1532, 1273)
    assert len(inspection.conflicts) == 47
    assert len(inspection.constant) == 12
    [leak] = inspection.leaks
    assert (leak.faces, leak.source_rows) == (280, 351)
    assert 600 < len(inspection.pairs) < 800
