"""A model file: read and checked, its metadata, loaded and run."""

# What networks take of a pixel: a pixel of 0..1 times the first, plus the second.
PIXEL_RANGES = {"0..255": (255.0, 0.0), "0..1": (1.0, 0.0), "-1..1": (2.0, -1.0)}
