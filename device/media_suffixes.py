"""How files of pictures and films are called, on the board and where data sets are read."""

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".pgm",
                    ".ppm", ".pnm", ".pbm")  # fmt: skip
MOVING_PICTURE = ".gif"  # a film for a camera's eyes, its first picture for a data set
FILM_SUFFIXES = (
    ".mp4",
    ".avi",
    ".mkv",
    ".mov",
    ".webm",
    ".mjpg",
    ".mjpeg",
    ".wmv",
    ".flv",
    ".mpg",
    ".mpeg",
    ".m4v",
)
