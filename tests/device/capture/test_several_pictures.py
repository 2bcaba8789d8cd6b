"""Several names as one source: pictures alone."""

import cv2
import numpy as np
import pytest

from device.capture.sources import open_source
from device.errors import EdgeError


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("gone.png", "no such file: gone.png; "),
        ("gone/notes.txt", "no such file: gone/notes.txt; "),
        ("demo", "demo is no picture file; "),
        ("http://camera/a.jpg", "http://camera/a.jpg is no picture file; "),
    ],
)
def test_one_of_several_pictures_that_is_missing_is_called_so(tmp_path, other, words):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(EdgeError) as raised:
        open_source((str(tmp_path / "a.png"), other))
    assert str(raised.value).startswith(words)


def test_hidden_pictures_of_a_folder_are_read_where_they_are_named_alone(tmp_path):
    for name in ("a.png", ".trashed-b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((9, 9), np.uint8))
    for spec, names in ((tmp_path, ["a.png"]), (tmp_path / ".trashed-b.png", [".trashed-b.png"])):
        with open_source(str(spec)) as source:
            assert [frame.name.rpartition("/")[2] for frame in source] == names


def test_films_and_folders_among_pictures_are_said_and_not_read(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9), np.uint8))
    cv2.imwrite(str(tmp_path / "b.jfif.png"), np.zeros((9, 9), np.uint8))
    (tmp_path / "b.jfif.png").rename(tmp_path / "b.jfif")
    (tmp_path / "film.mkv").touch()
    (tmp_path / "notes").mkdir()
    (tmp_path / "more").mkdir()
    cv2.imwrite(str(tmp_path / "more" / "c.png"), np.zeros((9, 9), np.uint8))
    with open_source(str(tmp_path)) as source:
        assert [frame.name.rpartition("/")[2] for frame in source] == ["a.png", "b.jfif"]
    assert source.notes == ["no pictures, passed over: film.mkv, more; name a film or a folder by itself"]
    with open_source(str(tmp_path / "**" / "*")) as source:
        assert len(source.paths) == 3
    assert source.notes == ["no pictures, passed over: film.mkv; name a film or a folder by itself"]
    films = tmp_path / "films"
    films.mkdir()
    (films / "film.mkv").touch()
    with pytest.raises(
        EdgeError, match=r"no images in .*films among film\.mkv; .* or a film or folder by its name"
    ):
        open_source(str(films)).__enter__()
