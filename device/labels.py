"""The names of a model's outputs, as ``--labels`` takes them everywhere."""

import os
from pathlib import Path

from device.errors import EdgeError, UsageError
from device.files import read_short

MOST_BYTES = 1 << 20  # of a file of labels


def labels_from(text: str | None) -> tuple[str, ...] | None:
    """Return the labels of ``--labels``: a file with one a line, or names with commas between; None as None.

    Raises EdgeError for a file that is not there or no UTF-8, UsageError where no label is left.

    >>> labels_from("cat, dog")
    ('cat', 'dog')
    """
    if text is None:
        return None
    path, is_file = Path(text), os.path.isfile(text)
    if "," not in text and (path.suffix or len(path.parts) > 1) and not is_file:
        raise EdgeError(
            f"`labels` {text}: no such file; expected one label a line, or names with commas between"
        )
    try:
        named = read_short(path, MOST_BYTES).splitlines() if is_file else text.split(",")
    except OSError as error:
        raise EdgeError(f"`labels` {text}: {error.strerror}; expected one label a line") from error
    except UnicodeDecodeError as error:
        raise EdgeError(f"`labels` {text} is no text in UTF-8; expected one label a line") from error
    labels = tuple(name.strip() for name in named if name.strip())
    if not labels:
        raise UsageError(
            f"`labels` {text} names no label; expected names with commas between, or a file of lines"
        )
    return labels
