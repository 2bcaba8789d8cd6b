"""A pipe that nobody fills, where a file is expected: refused at once, by whatever reads it."""

import os

import pytest

from device.errors import EdgeError
from device.sinks.broker import Broker
from toolkit.data.files.class_numbers import class_of_number
from toolkit.data.files.image_files import read_face
from toolkit.data.files.text_table import read_table
from toolkit.data.readers.pictures import pictures_of_files
from toolkit.data.shards.shard_files import find_shards
from toolkit.models.keras_file import read_keras_metadata
from toolkit.models.opening.file_kind import kind_of
from toolkit.results.json_file import read_json
from toolkit.results.model_provenance import read_history

READERS = {
    "results.json": lambda path: read_json(path, "expected results"),
    "a.keras": kind_of,
    "b.keras": read_keras_metadata,
    "face.png": read_face,
    "faces.parquet": lambda path: find_shards(path.parent),
    "faces.tar": lambda path: find_shards(path.parent),
    "faces.csv": lambda path: list(read_table(path)),
    "classes.txt": lambda path: class_of_number(path.parent, {"0", "1"}),
    "ca.pem": lambda path: Broker.parse("mqtts://host", ca=str(path)),
    "cert.pem": lambda path: Broker.parse("mqtts://host", cert=str(path)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises((EdgeError, ValueError), match="it is no regular file") as raised:
        READERS[name](tmp_path / name)
    assert "\n" not in str(raised.value)


def test_a_pipe_beside_what_was_asked_for_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "history.csv")
    assert read_history(tmp_path / "history.csv") == {}
    os.mkfifo(tmp_path / "photograph.jpg")
    [(_, picture)] = pictures_of_files(tmp_path, [tmp_path / "photograph.jpg"])
    assert picture is None


def test_a_picture_of_absurd_length_is_not_read(tmp_path):
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match="it has 1,073,741,824 KB, expected at most 32,768"):
        read_face(tmp_path / "huge.png")
