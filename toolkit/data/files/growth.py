"""Packed data that unpacks to far more than its file holds, which no data set does and memory has no room for."""

from pathlib import Path

from device.errors import EdgeError

# A file may unpack to so many times its size, or to so many bytes: fer2013.csv, zipped, unpacks to three times.
LARGEST_GROWTH, FREE_BYTES = 100, 16 << 20


def refuse_growth(path: Path, size: int) -> None:
    """Raise EdgeError where ``size`` bytes, or characters, are far more than the file at ``path`` holds."""
    if size > FREE_BYTES and size > LARGEST_GROWTH * path.stat().st_size:
        raise EdgeError(
            f"{path} has {path.stat().st_size:,} bytes and unpacks to over {size:,}; that is no data set, or a hostile "
            "one: fetch it again from where it comes from"
        )
