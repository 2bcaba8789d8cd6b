"""Kinds of hostile Keras files that once got through, one of each; ``make hostile`` tries them all on the commands."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytest.importorskip("keras")
sys.path.insert(0, str(Path(__file__).parent))
from keras_files import FILES
from try_all import write_model

from device.errors import EdgeError
from toolkit.models.keras_file import read_keras_metadata
from toolkit.models.network import open_network

pytestmark = pytest.mark.toolkit
LABELS = tuple("abcdefg")
KINDS = {
    "calls that multiply": "calls 96,855,128 layers when it is built",
    "15,000 layers": "calls 15,005 layers when it is built",
    "large pictures in every layer": "numbers together for one image",
    "an input of texts": "does not compute",
    "a scale of text": "does not compute",
    "a million members": "their list is that of a zip over 4 GB",
    "a file of 1 TB": "has 1,048,576 MB",
    "a training that is a list": "training is .*; expected a JSON object",
    "a recipe that is text": "training: recipe is .*; expected a JSON object",
    "a pixel range that is a list": "pixel_range is .*; expected a text",
    "a registered name": "registered_name='os>system'",
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    write_model(folder)
    return folder / "good.keras"


@pytest.mark.parametrize("kind", KINDS)
def test_what_once_got_through_is_refused_in_a_line(good, tmp_path, kind):
    FILES[".keras"][kind](good, tmp_path / "hostile.keras")
    with pytest.raises(EdgeError, match=KINDS[kind]) as raised:
        open_network(tmp_path / "hostile.keras", LABELS)
    assert "\n" not in str(raised.value)
    assert "`" not in str(raised.value)


@pytest.mark.parametrize("kind", ["a training that is a list", "a million members"])
def test_metadata_alone_is_refused_likewise(good, tmp_path, kind):
    FILES[".keras"][kind](good, tmp_path / "hostile.keras")
    with pytest.raises(EdgeError, match=KINDS[kind]):
        read_keras_metadata(tmp_path / "hostile.keras")


def test_an_hdf5_file_of_absurd_length_is_not_opened(good, tmp_path):
    FILES[".h5"]["a file of 1 TB"](good, tmp_path / "hostile.h5")
    with pytest.raises(EdgeError, match="has 1,048,576 MB"):
        open_network(tmp_path / "hostile.h5", LABELS)


def test_the_good_file_is_opened(good):
    assert open_network(good, LABELS).labels == LABELS
