"""What comes from outside reaches a terminal as letters only."""

import pytest

from device.text import did_you_mean, has_password, printable, without_password


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


@pytest.mark.parametrize(
    "password",
    [
        "b",
        "b@c",
        "b:c",
        "12/3",
        "/",
        "@",
        ":",
        "a//b",
        "",
        "a/b@c:d",
        "1:2@3/4",
        "p w",
        "s?e#t",
        "a\nb",
        "ÄÖ%2F",
    ],
)
@pytest.mark.parametrize("user", ["me", "me@mail.example", "domain/me", ""])
@pytest.mark.parametrize("place", ["host", "host:554/x", "10.0.0.1/12", "[::1]:554/x"])
def test_no_password_is_shown_however_it_is_written(user, password, place):
    for scheme in ("rtsp://", ""):
        address = f"{scheme}{user}:{password}@{place}"
        assert has_password(address)
        assert without_password(address) == f"{scheme}{user}:***@{place}"


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://host/x",
        "rtsp://me@host/x",
        "http://host:8080/a/b",
        "http://[::1]:80/x",
        "usb:0",
        "me@pi:1883",
        "/mnt/disk:1/me@home/film.mp4",
        "x.mp4",
    ],
)
def test_what_holds_no_password_is_shown_as_it_is(address):
    assert not has_password(address)
    assert without_password(address) == address


def test_a_path_that_may_be_a_password_is_hidden():
    assert without_password("http://host:8080/a@b") == "http://host:***@b"
