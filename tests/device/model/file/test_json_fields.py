"""What a JSON document from outside may hold: limits included, kinds told apart."""

import pytest

from device.errors import EdgeError
from device.model.file.json_fields import MOST_CHARACTERS, MOST_TEXTS, JsonFields


def fields(value):
    return JsonFields({"it": value}, "the file")


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 1])
def test_numbers_up_to_their_limits(value):
    assert fields(value).number("it", 0.0, 1.0) == value


@pytest.mark.parametrize("value", [-0.001, 1.001, float("nan"), float("inf"), True, "1", None, [1]])
def test_other_numbers_are_refused(value):
    with pytest.raises(EdgeError, match=r"it is .+; expected a number from 0 to 1"):
        fields(value).number("it", 0.0, 1.0)


@pytest.mark.parametrize("value", [1, 2, 3])
def test_whole_numbers_up_to_their_limits(value):
    assert fields(value).integer("it", 1, 3) == value


@pytest.mark.parametrize("value", [0, 4, 2.0, False, "2"])
def test_other_whole_numbers_are_refused(value):
    with pytest.raises(EdgeError, match="a whole number from 1 to 3"):
        fields(value).integer("it", 1, 3)


def test_texts_up_to_their_limits():
    longest = "x" * MOST_CHARACTERS
    assert fields(longest).text("it") == longest
    assert fields([longest] * MOST_TEXTS).texts("it") == (longest,) * MOST_TEXTS
    for wrong in (longest + "x", 5):
        with pytest.raises(EdgeError, match="a text of at most"):
            fields(wrong).text("it")
    for wrong in (["x"] * (MOST_TEXTS + 1), [longest + "x"], "x", [5]):
        with pytest.raises(EdgeError, match="a list of at most"):
            fields(wrong).texts("it")


def test_lists_of_numbers_have_their_length():
    assert fields([1, 2.5]).numbers("it", 2) == [1.0, 2.5]
    for wrong in ([1], [1, 2, 3], [1, "2"], [1, float("nan")], 1):
        with pytest.raises(EdgeError, match="a list of 2 numbers"):
            fields(wrong).numbers("it", 2)


def test_what_is_missing_has_its_default_or_is_named():
    empty = JsonFields({}, "the file")
    assert empty.number("it", 0, 1, default=0.25) == 0.25
    assert empty.flag("it", default=True) is True
    assert fields(False).flag("it", default=True) is False
    with pytest.raises(EdgeError, match="the file has no 'it'"):
        empty.number("it", 0, 1)
    with pytest.raises(EdgeError, match="expected a JSON object"):
        JsonFields([], "the file")
