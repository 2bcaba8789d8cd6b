"""Files that hold no data set as they are: what they are, by their content, and what to do with them."""

from pathlib import Path

from device.files import regular_size
from device.foreign_files import NOT_FETCHED, PACKED, UNPACK, pickles, why_foreign

WRITE_PICTURES = "write its faces as PNG files into a folder for each class, or as emotion,pixels rows"
NAME_FOLDER = "name the folder that holds a folder for each class"
FOREIGN = (
    *NOT_FETCHED,
    *PACKED,
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    *pickles("a pickle, which is not opened", WRITE_PICTURES),
    (0, b"\x93NUMPY", "a numpy array", WRITE_PICTURES),
    (0, b"\x89HDF", "an HDF5 file", WRITE_PICTURES),
    (0, b"MATLAB", "a MATLAB file", WRITE_PICTURES),
    (0, b"SQLite", "a database", WRITE_PICTURES),
    (16, b"\xde\xc0\xef\xbe", "an LMDB database", WRITE_PICTURES),
    (0, b"\xd0\xcf\x11\xe0", "an Excel file", "save the sheet as CSV"),
    (0, b"\x89PNG", "one picture", NAME_FOLDER),
    (0, b"\xff\xd8\xff", "one picture", NAME_FOLDER),
    (0, b"[", "JSON", WRITE_PICTURES),
    (0, b"{", "JSON", WRITE_PICTURES),
)
FOREIGN_SUFFIXES = {
    ".npz": ("numpy arrays", WRITE_PICTURES),
    ".xlsx": ("an Excel file", "save the sheet as CSV"),
    ".arrow": (
        "an Arrow file",
        "write each split as parquet: datasets.load_from_disk(FOLDER)[SPLIT].to_parquet(FILE)",
    ),
    ".tfrecord": ("a TFRecord file", WRITE_PICTURES),
    ".tfrecords": ("a TFRecord file", WRITE_PICTURES),
}
START_BYTES = 512


def why_no_data(path: Path) -> str:
    """Return 'is WHAT; WAY OUT' of a file that holds no data set as it is, or '' where it is nothing known."""
    suffix = path.suffix.lower().partition("-")[0]  # of faces.tfrecord-00000-of-00002 as of faces.tfrecord
    if suffix in FOREIGN_SUFFIXES:
        return "is {}; {}".format(*FOREIGN_SUFFIXES[suffix])
    try:
        regular_size(path)
        with open(path, "rb") as handle:
            start = handle.read(START_BYTES)
    except OSError:
        return ""
    why = why_foreign(start, FOREIGN)
    return f"is {why}" if why else ""
