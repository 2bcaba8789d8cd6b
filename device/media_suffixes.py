"""How files of pictures and films are called, on the board and where data sets are read."""

from pathlib import Path

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".pgm",
                    ".ppm", ".pnm", ".pbm")  # fmt: skip
# Pictures that are not read: they are counted and named with the way out, and not passed over.
UNREAD_SUFFIXES = (".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd", ".raw", ".cr2", ".nef", ".dng", ".svg",
                   ".tga", ".ico", ".dds", ".exr", ".hdr")  # fmt: skip
MOVING_PICTURE = ".gif"  # a film for a camera's eyes, its first picture for a data set
FILM_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".mjpg", ".mjpeg", ".wmv", ".flv", ".mpg", ".mpeg",
                 ".m4v", ".ts", ".mts", ".m2ts", ".3gp", ".h264", ".ogv", ".y4m")  # fmt: skip


def is_film(path: Path) -> bool:
    """Return whether a file is called as a film is."""
    return path.suffix.lower() in (*FILM_SUFFIXES, MOVING_PICTURE)
