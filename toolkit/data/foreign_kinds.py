"""Files that hold no data set as they are: what they are, by their content, and what to do with them."""

from pathlib import Path

from device.files import regular_size

UNPACK = "unpack it first"
WRITE_PICTURES = "write its faces as PNG files into a folder for each class, or as emotion,pixels rows"
# How such files begin: (from which byte, the bytes, what it is, what to do).
FOREIGN_STARTS = (
    (0, b"version https://git-lfs", "a Git LFS pointer, not the data itself", "run 'git lfs pull'"),
    (0, b"<!DOCTYPE", "a web page, not the data itself", "download the file behind the link"),
    (0, b"<html", "a web page, not the data itself", "download the file behind the link"),
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (0, b"\x1f\x8b", "a gzip archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ", "an xz archive", UNPACK),
    (0, b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (0, b"Rar!", "a RAR archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"\x93NUMPY", "a numpy array", WRITE_PICTURES),
    (0, b"\x80\x02", "a pickle, which is not opened", WRITE_PICTURES),
    (0, b"\x80\x03", "a pickle, which is not opened", WRITE_PICTURES),
    (0, b"\x80\x04", "a pickle, which is not opened", WRITE_PICTURES),
    (0, b"\x80\x05", "a pickle, which is not opened", WRITE_PICTURES),
    (0, b"\x89HDF", "an HDF5 file", WRITE_PICTURES),
    (0, b"MATLAB", "a MATLAB file", WRITE_PICTURES),
    (0, b"SQLite", "a database", WRITE_PICTURES),
    (0, b"\xd0\xcf\x11\xe0", "an Excel file", "save the sheet as CSV"),
    (0, b"\x89PNG", "one picture", "name the folder that holds a folder for each class"),
    (0, b"\xff\xd8\xff", "one picture", "name the folder that holds a folder for each class"),
    (0, b"[", "JSON", WRITE_PICTURES),
    (0, b"{", "JSON", WRITE_PICTURES),
)
FOREIGN_SUFFIXES = {
    ".npz": ("numpy arrays", WRITE_PICTURES),
    ".xlsx": ("an Excel file", "save the sheet as CSV"),
}
START_BYTES = 512


def why_foreign(path: Path) -> str:
    """Return 'is WHAT; WAY OUT' of a file that holds no data set as it is, or '' where it is nothing known."""
    if path.suffix.lower() in FOREIGN_SUFFIXES:
        return "is {}; {}".format(*FOREIGN_SUFFIXES[path.suffix.lower()])
    try:
        regular_size(path)
        with open(path, "rb") as handle:
            start = handle.read(START_BYTES)
    except OSError:
        return ""
    for position, expected, what, way_out in FOREIGN_STARTS:
        if start[position:].startswith(expected):
            return f"is {what}; {way_out}"
    return ""
