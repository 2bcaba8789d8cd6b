"""Tables of text that are small and say, or unpack to, more than memory holds."""

import gzip
import zipfile

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.files.text_table import most_rows
from toolkit.data.readers.loading import load_dataset

from ..conftest import csv_row, write_csv


@pytest.mark.parametrize("row", ['"\n",' * 3, "1" * 7])
def test_a_row_without_end_is_not_held_in_memory(tmp_path, faces, row):
    path = tmp_path / "faces.csv.gz"
    write_csv(
        tmp_path / "faces.csv", [csv_row(number % 7, face, "Training") for number, face in enumerate(faces)]
    )
    path.write_bytes(gzip.compress((tmp_path / "faces.csv").read_bytes() + row.encode() * 700_000))
    with pytest.raises(EdgeError, match=r"faces\.csv\.gz has a row of over 4,194,304 characters"):
        load_dataset(path)


def test_a_table_of_empty_lines_takes_no_room(tmp_path, faces):
    rows = [csv_row(number % 7, face, "Training") for number, face in enumerate(faces)]
    write_csv(tmp_path / "faces.csv", rows)
    before = (tmp_path / "faces.csv").stat().st_size
    with open(tmp_path / "faces.csv", "a") as handle:
        handle.write("\n" * 1_000_000)
    assert most_rows(tmp_path / "faces.csv", 512) == (before + 1_000_000) // 512 + 1
    assert np.array_equal(load_dataset(tmp_path / "faces.csv").images, faces)


def test_a_table_that_unpacks_to_far_more_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "faces.csv.gz"
    path.write_bytes(gzip.compress(b"emotion,pixels\n" + (b" " * 1023 + b"\n") * (20 << 10)))
    with pytest.raises(EdgeError, match=r"faces\.csv\.gz has [\d,]+ bytes and unpacks to over 1[67],"):
        load_dataset(path)


@pytest.mark.parametrize("kind", ["gz", "lzma", "bzip2"])
def test_a_packed_table_that_is_damaged_is_one_line(tmp_path, faces, kind):
    rows = [csv_row(number % 7, face, "Training") for number, face in enumerate(faces)]
    write_csv(tmp_path / "faces.csv", rows)
    content = (tmp_path / "faces.csv").read_bytes()
    path = tmp_path / ("t.csv.gz" if kind == "gz" else "t.csv.zip")
    if kind == "gz":
        packed = gzip.compress(content)
        path.write_bytes(packed[: len(packed) * 3 // 4])
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA if kind == "lzma" else zipfile.ZIP_BZIP2) as archive:
            archive.writestr("faces.csv", content)
        packed = bytearray(path.read_bytes())
        packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(64)
        path.write_bytes(packed)
    with pytest.raises(EdgeError, match=r"t\.csv\..*; fetch it again") as told:
        load_dataset(path)
    assert "\n" not in str(told.value)
