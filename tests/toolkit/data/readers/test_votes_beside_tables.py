"""FER+ votes beside a table of faces: they belong to its faces by the order of their rows."""

import pytest

from device.errors import EdgeError
from toolkit.data.class_names import normal_class_name
from toolkit.data.ferplus import VOTE_COLUMNS
from toolkit.data.readers.loading import load_dataset


def test_votes_stand_beside_their_faces(ferplus_csv):
    dataset = load_dataset(ferplus_csv.with_name("fer2013.csv"))
    assert dataset.votes.shape == (21, 10)
    named = [VOTE_COLUMNS[column] for column in dataset.votes.argmax(axis=1)]
    assert [normal_class_name(name) for name in named] == [dataset.classes[label] for label in dataset.labels]


def test_votes_of_other_faces_are_refused(ferplus_csv):
    lines = ferplus_csv.read_text().splitlines()
    ferplus_csv.write_text("\n".join(lines[:-1]))
    with pytest.raises(EdgeError, match="20 rows of votes, the faces beside it have 21"):
        load_dataset(ferplus_csv.with_name("fer2013.csv"))
    ferplus_csv.write_text("a,b\n1,2\n")
    with pytest.raises(EdgeError, match=r"no FER\+ votes"):
        load_dataset(ferplus_csv.with_name("fer2013.csv"))


def test_votes_of_a_table_in_another_order_are_refused(ferplus_csv):
    table = ferplus_csv.with_name("fer2013.csv")
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *reversed(rows)]))
    with pytest.raises(
        EdgeError, match=r"row \d+ is of the split '\w+', and that of the faces beside it of '\w+'"
    ):
        load_dataset(table)


def test_a_votes_file_named_as_data_says_so(ferplus_csv):
    with pytest.raises(EdgeError, match=r"FER\+ votes and no faces"):
        load_dataset(ferplus_csv)
