"""``device run`` on photographs: rows with file names, marked copies, several names, what cannot be read."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources.demo import DemoSource

ROOT = Path(__file__).parents[3]


@pytest.fixture
def photographs(tmp_path) -> Path:
    """Two demo frames in three formats, one in a folder of its own, and a file that a phone makes."""
    folder = tmp_path / "photos"
    (folder / "album").mkdir(parents=True)
    with DemoSource(90) as source:
        frames = [source.picture(index) for index in (0, 60)]
    cv2.imwrite(str(folder / "a.png"), frames[0])
    cv2.imwrite(str(folder / "b.webp"), frames[1])
    cv2.imwrite(str(folder / "album" / "a.jpg"), frames[1])
    (folder / "c.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    return folder


def run(*arguments, model: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "device", "run", *map(str, arguments)]
    settings = ["--model", str(model), "--detector", "haar"]
    return subprocess.run([*command, *settings], capture_output=True, text=True, timeout=120, cwd=ROOT)


def test_rows_name_the_file_of_each_picture(photographs, tiny_model, tmp_path):
    rows = tmp_path / "rows.jsonl"
    done = run("--source", photographs, "--output", rows, "-q", model=tiny_model)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [Path(row["file"]).name for row in found] == ["a.png", "b.webp"]
    assert all(len(row["faces"]) == 2 for row in found)
    assert done.stderr.count("\n") == 2
    assert "passed over: album; name a film or a folder by itself" in done.stderr
    assert "1 unreadable image skipped: c.heic (HEIC is not read; convert it to JPEG or PNG)" in done.stderr


def test_a_table_names_the_files_too_whatever_their_bytes(photographs, tiny_model, tmp_path):
    os.rename(photographs / "b.webp", os.fsencode(photographs) + b"/b\xff.webp")
    table = tmp_path / "rows.csv"
    done = run("--source", photographs, "--output", table, "-q", model=tiny_model)
    assert done.returncode == 0, done.stderr
    with open(table, newline="") as handle:
        assert {Path(row["file"]).name for row in csv.DictReader(handle)} == {"a.png", "b\\udcff.webp"}


def test_a_film_has_no_file_names(tiny_model, tmp_path):
    rows = tmp_path / "rows.jsonl"
    assert run("--source", "demo:2", "--output", rows, "-q", model=tiny_model).returncode == 0
    assert [json.loads(line)["file"] for line in rows.read_text().splitlines()] == [None, None]


def test_subfolders_by_a_glob_and_several_names(photographs, tiny_model, tmp_path):
    """An unquoted glob reaches the program as several names."""
    done = run("--source", f"{photographs}/**/*", "--json", model=tiny_model)
    assert json.loads(done.stdout)["frames"] == 3
    names = [photographs / "a.png", photographs / "b.webp"]
    done = run("--source", *names, "--json", model=tiny_model)
    assert json.loads(done.stdout)["frames"] == 2
    done = run("--source", names[0], photographs, model=tiny_model)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is no picture file; expected one source, or several pictures" in done.stderr


def test_marked_copies_keep_their_names_and_their_originals(photographs, tiny_model, tmp_path):
    out = tmp_path / "marked"
    before = (photographs / "a.png").read_bytes()
    done = run("--source", f"{photographs}/**/*", "--annotate", out, "-q", model=tiny_model)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "a.jpg",
        "a_1.jpg",
        "b.jpg",
    ]  # the album's comes second
    assert (photographs / "a.png").read_bytes() == before
    marked, original = cv2.imread(str(out / "b.jpg")), cv2.imread(str(photographs / "b.webp"))
    assert marked.shape == original.shape
    green = (np.abs(marked.astype(int) - (80, 220, 80)) < 40).all(axis=2).sum()
    assert green > 300
    assert (out / "b.jpg").stat().st_mode & 0o777 == 0o600
    again = run("--source", photographs, "--annotate", out, model=tiny_model)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "is not empty; pass --overwrite" in again.stderr
    again = run("--source", photographs, "--annotate", out, "--overwrite", "-q", model=tiny_model)
    assert again.returncode == 0, again.stderr
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg", "a_1.jpg", "b.jpg"]


def test_marked_copies_never_replace_one_another(tiny_model, tmp_path):
    names = ("a_2.png", "a.png", "a.jpg", "b/a.png")
    (tmp_path / "b").mkdir()
    for name in names:
        cv2.imwrite(str(tmp_path / name), np.full((60, 60), 90, np.uint8))
    out = tmp_path / "marked"
    done = run("--source", *(tmp_path / name for name in names), "--annotate", out, "-q", model=tiny_model)
    assert done.returncode == 0, done.stderr
    assert len(list(out.iterdir())) == 4


def test_no_original_is_written_over(photographs, tiny_model):
    before = {path: path.read_bytes() for path in photographs.rglob("*") if path.is_file()}
    album = next(path.parent for path in before if path.parent != photographs)
    for option in ("--annotate", "--save-frames"):
        done = run("--source", f"{photographs}/**/*", option, album, "--overwrite", model=tiny_model)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "is what this run reads" in done.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_only_pictures_are_marked(tiny_model, tmp_path):
    done = run("--source", "demo:2", "--annotate", tmp_path / "out", model=tiny_model)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--video FILE marks that" in done.stderr


def test_a_phones_picture_alone_is_refused_with_the_way_out(photographs, tiny_model):
    done = run("--source", photographs / "c.heic", model=tiny_model)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "c.heic (HEIC is not read; convert it to JPEG or PNG)" in done.stderr


def test_pictures_that_are_not_read_are_told_with_the_reason(photographs, tiny_model):
    (photographs / "cut.jpg").write_bytes(
        cv2.imencode(".jpg", np.zeros((60, 60), np.uint8))[1].tobytes()[:-2]
    )
    for name in ("d.avif", "e.tga", "f.jp2"):
        (photographs / name).write_bytes(bytes(64))
    (photographs / "g.h264").write_bytes(bytes(64))
    done = run("--source", photographs, "-q", model=tiny_model)
    assert done.returncode == 0, done.stderr
    assert "passed over: album, g.h264; name a film" in done.stderr
    assert (
        "5 unreadable images skipped: c.heic (HEIC is not read; convert it to JPEG or PNG), cut.jpg (a JPEG"
        in done.stderr
    )


def test_twelve_bits_in_a_file_of_sixteen_are_seen_as_eight(photographs, tiny_model):
    gray = cv2.imread(str(photographs / "a.png"), cv2.IMREAD_GRAYSCALE)
    found = {}
    for bits in (8, 12, 16):
        deep = gray if bits == 8 else gray.astype(np.uint16) << (bits - 8)
        cv2.imwrite(str(photographs / f"{bits}.png"), deep)
        done = run("--source", photographs / f"{bits}.png", "--json", model=tiny_model)
        found[bits] = {key: json.loads(done.stdout)[key] for key in ("faces", "expressions")}
    assert found[8]["faces"] == 2
    assert found[12] == found[16] == found[8]


def test_the_end_counts_the_expressions_that_were_seen(photographs, tiny_model, tmp_path):
    rows = tmp_path / "rows.jsonl"
    said = json.loads(run("--source", photographs, "--output", rows, "--json", model=tiny_model).stdout)
    shown = [face["label"] for line in rows.read_text().splitlines() for face in json.loads(line)["faces"]]
    assert said["expressions"] == {label: shown.count(label) for label in set(shown)}
    assert sum(said["expressions"].values()) == 4
    counts = list(said["expressions"].values())
    assert counts == sorted(counts, reverse=True)
    told = run("--source", photographs, model=tiny_model).stdout
    assert f"expressions of 4 faces in all pictures: {next(iter(said['expressions']))} " in told


def test_a_name_obeys_no_terminal(photographs, tiny_model):
    (photographs / "a.png").rename(photographs / "a\n\x1b[31m.png")
    done = run("--source", photographs / "a\n\x1b[31m.png", model=tiny_model)
    assert done.returncode == 0, done.stderr
    assert r"a\n\x1b[31m.png: 1 picture in" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
