"""The ranges of pixel values that networks take, by name."""

Numbers = tuple[tuple[float, ...], tuple[float, ...]]
# What networks take of a pixel: a pixel of 0..1 times the first, plus the second; one number for all channels, or one a
# channel. The last two are what `preprocess_input` of keras.applications calls so: ImageNet's means taken from 0..255
# of blue, green and red, and its means and deviations from 0..1 of red, green and blue.
PIXEL_RANGES: dict[str, Numbers] = {
    "0..255": ((255.0,), (0.0,)),
    "0..1": ((1.0,), (0.0,)),
    "-1..1": ((2.0,), (-1.0,)),
    "caffe": ((255.0,), (-103.939, -116.779, -123.68)),
    "torch": ((1 / 0.229, 1 / 0.224, 1 / 0.225), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225)),
}


def ranges_of(channels: int) -> tuple[str, ...]:
    """Return the names of PIXEL_RANGES that a network of so many channels may take."""
    return tuple(name for name, numbers in PIXEL_RANGES.items() if max(map(len, numbers)) in (1, channels))
