"""How a model file is opened, where it does not tell that itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelOptions:
    """What ``load_predictor`` is told of each model file.

    labels: names of the outputs in order, instead of those in the file; pixel_range: what it takes of a pixel, a name
    of PIXEL_RANGES; input_size: height and width in pixels of a Keras model that takes any; threads, delegate: of a
    .tflite's interpreter, as ``device.load_model`` takes them.
    """

    labels: tuple[str, ...] | None = None
    pixel_range: str | None = None
    input_size: int | None = None
    threads: int = 1
    delegate: str | None = None


AS_THE_FILE_SAYS = ModelOptions()
