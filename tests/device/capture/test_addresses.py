"""Addresses of sources: of another kind, without an answer; no password is shown."""

import pytest

from device.capture.sources import open_source
from device.capture.sources.stream import NetworkStream
from device.errors import EdgeError, UsageError


@pytest.mark.parametrize(
    "spec", ["ftp://user:secret@host/film.mp4", "mqtt://host/camera", "file:///film.mp4"]
)
def test_an_address_of_another_kind_is_wrong_use(spec):
    with pytest.raises(
        UsageError, match=r"unknown `source` '(ftp|mqtt|file)://.*expected one of: "
    ) as refused:
        open_source(spec)
    assert "secret" not in str(refused.value)


def test_a_dead_address_is_one_line_without_its_password():
    source = NetworkStream("http://me:secret@127.0.0.1:9/x", timeout_ms=500)
    with pytest.raises(EdgeError, match="does not answer") as caught, source:
        pass
    assert "secret" not in str(caught.value)
    with pytest.raises(UsageError, match="%2F") as refused:
        NetworkStream("rtsp://a:secret/word@host/x")
    assert "secret" not in str(refused.value)
