"""Files that are no films, or not as they seem: what FFmpeg makes of them by itself would be wrong, or without end."""

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.sources import open_source
from device.capture.sources.video import STILL_FRAMES, VideoFile
from device.errors import EdgeError
from device.picture_files import MOST_BYTES

# ffmpeg -f lavfi -i testsrc=s=64x48:r=25:d=2 -vf interlace=lowpass=0 -frames:v 12 -flags +ilme+ildct -g 12
# -c:v mpeg2video -q:v 12 interlaced.mkv
INTERLACED = Path(__file__).with_name("interlaced.mkv")
# ffmpeg -f lavfi -i testsrc=s=64x48:r=25:d=2 -vf "select='lt(n,8)+not(mod(n,10))'" -fps_mode vfr -c:v mpeg4 -q:v 10
# uneven.mkv
UNEVEN = Path(__file__).with_name("uneven.mkv")
FRAMES = 40


def write_film(path, pictures) -> Path:
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def plain(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nclip.mp4\n", "a playlist"),  # itself, without end
        (b"ffconcat version 1.0\nfile clip.mp4\nfile clip.mp4\n", "a list of films"),
        (b"ffconcat version 1.0\n#\0\nfile film.avi\n", "a list of films"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"happy\nsad\n" * 1000, "is text"),
        ("fröhlich\n".encode("latin-1") * 9, "is text"),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.m3u8", "clip.txt"])
def test_lists_and_texts_are_no_films(tmp_path, content, word, name):
    """FFmpeg draws a text as a film, follows what a list names, and takes either by start or name."""
    write_film(tmp_path / "film.avi", [plain(90)] * 3)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgeError, match=word), VideoFile(tmp_path / name):
        pass


def test_a_raw_film_that_looks_like_text_is_one(tmp_path):
    (tmp_path / "raw.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F25:1 Ip C420\n" + (b"FRAME\n" + b"a" * 4608) * 3)
    with VideoFile(tmp_path / "raw.y4m") as film:
        assert len(list(film)) == 3


def test_a_film_of_absurd_pictures_is_not_decoded(tmp_path):
    picture = cv2.imencode(".jpg", np.zeros((4200, 4200), np.uint8))[1].tobytes()
    (tmp_path / "absurd.mjpg").write_bytes(picture * 2)
    with (
        pytest.raises(EdgeError, match="4200x4200, expected at most 16,777,216 pixels"),
        VideoFile(tmp_path / "absurd.mjpg"),
    ):
        pass


@pytest.mark.parametrize("name", ["huge.jpg", "huge.png"])
def test_a_picture_file_of_absurd_length_is_not_read(tmp_path, name):
    picture = cv2.imencode(Path(name).suffix, plain(90))[1].tobytes()
    (tmp_path / name).write_bytes(picture)
    with open_source(str(tmp_path / name)) as source:
        assert len(list(source)) == 1
    for size in (MOST_BYTES + 1, 1 << 40):
        os.truncate(tmp_path / name, size)
        with (
            pytest.raises(EdgeError, match="expected at most 262,144"),
            open_source(str(tmp_path / name)) as source,
        ):
            list(source)


def noted(path: Path, most: int = 1000) -> list[str]:
    film = VideoFile(path)
    with film:
        for frame in film:
            if frame.index + 1 == most:
                break
    return film.notes


def test_a_film_that_shows_nothing_of_its_own_says_so():
    """OpenCV 4.13 and newer deliver the memory that they found in place of an interlaced film's pictures."""
    with VideoFile(INTERLACED) as film:
        pictures = [frame.image for frame in film]
    assert len(pictures) == 12
    moves = any((picture != pictures[0]).any() for picture in pictures)
    assert [bool(re.search("all 12 pictures of .* interlaced", note)) for note in film.notes] == [True] * (
        not moves
    )


def test_a_film_of_one_picture_is_told_however_it_ends(tmp_path):
    still = write_film(tmp_path / "still.avi", [plain(90)] * FRAMES)
    assert f"all {FRAMES} pictures" in noted(still)[0]
    assert f"all {STILL_FRAMES} pictures" in noted(still, STILL_FRAMES)[0]
    assert noted(still, STILL_FRAMES - 1) == []
    assert noted(write_film(tmp_path / "moves.avi", [plain(90)] * (FRAMES - 1) + [plain(99)])) == []


def test_a_film_of_changing_rate_is_not_cut_short():
    """Its container promises a time and a rate, which come to far more frames than it has."""
    with VideoFile(UNEVEN) as film:
        promised = film.capture.get(cv2.CAP_PROP_FRAME_COUNT)
        assert 2 * len(list(film)) < promised
    assert film.notes == []


@pytest.mark.parametrize(
    ("told", "size_wh"),
    [((4, 3), (85, 48)), ((3, 4), (64, 64)), ((1, 1), (64, 48)), ((0, 0), (64, 48)), ((65535, 1), (64, 48))],
)
def test_pixels_that_are_not_square_are_made_so(tmp_path, told, size_wh):
    """Recordings of television and DVDs: a face stays as wide as it was."""
    jpeg = bytearray(cv2.imencode(".jpg", plain(90))[1].tobytes())
    assert jpeg[6:11] == b"JFIF\0"
    jpeg[13:18] = bytes([0]) + told[0].to_bytes(2, "big") + told[1].to_bytes(2, "big")
    (tmp_path / "film.mjpg").write_bytes(bytes(jpeg) * 3)
    with VideoFile(tmp_path / "film.mjpg") as film:
        sizes = {frame.image.shape[1::-1] for frame in film}
    assert sizes == {size_wh}


def test_a_recording_that_was_cut_off_is_told_from_what_is_no_video(tmp_path):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (160, 120))
    for level in range(30):
        writer.write(np.full((120, 160, 3), 8 * level, np.uint8))
    writer.release()
    whole = path.read_bytes()
    for kept, said in (
        (whole.index(b"moov") - 4, "has no index: its recording was cut off before it ended"),
        (whole.index(b"mdat") + 100, "has no index: its recording was cut off before it ended"),
        (len(whole) - 100, "it is damaged or cut short"),  # in the index itself
    ):
        path.write_bytes(whole[:kept])
        with pytest.raises(EdgeError, match=said), open_source(str(path)) as source:
            next(iter(source))
