"""Published weights, downloaded once by Keras to ~/.keras/models."""

import contextlib
import io
from collections.abc import Callable
from typing import TypeVar

from device.errors import EdgeError
from device.text import one_line

LONGEST_REASON = 300  # characters of what Keras, pip or npm says
Fetched = TypeVar("Fetched")


def download(what: str, where: str, fetch: Callable[[], Fetched]) -> Fetched:
    """Return what ``fetch``, which downloads, returns; EdgeError that names ``where`` it is if that fails."""
    try:
        # The progress bar would stand in the output of --json.
        with contextlib.redirect_stdout(io.StringIO()):
            return fetch()
    except Exception as error:
        # keras.utils.get_file raises 'URL fetch failure on URL: code -- reason', or others
        reason = one_line(error, LONGEST_REASON).rpartition(" -- ")[2]
        raise EdgeError(
            f"cannot download {what} ({reason}); fetch {where} elsewhere and pass it with `weights=FILE`, or train "
            "from random weights with `weights=none`"
        ) from error
