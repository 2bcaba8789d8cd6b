"""What comes from outside reaches a terminal as letters only."""

import pytest

from device.text import did_you_mean, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("happy", "happy"),
        ("glücklich 嬉しい", "glücklich 嬉しい"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r\t\0", r"a\nb\r\t\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\udcff.tflite", r"\udcff.tflite"),
        ("\u2028", r"\u2028"),
        ("it's", "it's"),
    ],
)
def test_nothing_is_left_that_a_terminal_obeys(text, shown):
    assert printable(text) == shown
    assert printable(text).isprintable()


def test_what_is_too_long_is_cut():
    assert printable("x" * 100, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("name", "asked"), [("sda", "did you mean sad? "), ("haapy", "did you mean happy? "), ("zebra", "")]
)
def test_what_is_nearly_spelt_right_is_asked_for(name, asked):
    assert did_you_mean(name, ("happy", "sad")) == asked
