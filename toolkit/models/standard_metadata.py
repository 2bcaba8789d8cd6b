"""The standard TFLite metadata of an image classifier, as other tools read it.

The schema is ``metadata_schema.fbs`` of tensorflow/tflite-support, identifier M001; a slot below is a field's
number there. Needs the ``flatbuffers`` package, which LiteRT brings along.
"""

from device.model.file.associated_files import JSON_NAME, LABELS_NAME
from device.model.file.metadata import InputContract

IDENTIFIER = b"M001"
NAME, PARSER_VERSION = "facial expression", "1.0.0"
TENSOR_AXIS_LABELS, DESCRIPTIONS = 2, 1  # AssociatedFileType
IMAGE_PROPERTIES = 2  # ContentProperties
NORMALIZATION_OPTIONS = 1  # ProcessUnitOptions
RGB, GRAYSCALE = 1, 2  # ColorSpaceType


def image_classifier_metadata(description: str, contract: InputContract) -> bytes:
    """Return the metadata flatbuffer: a face in, normalised as ``contract`` says, a probability a label out."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)

    def table(slots: dict[int, tuple[str, int]], count: int) -> int:
        builder.StartObject(count)
        for slot, (kind, value) in slots.items():
            getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
        return int(builder.EndObject())

    def text(value: str) -> tuple[str, int]:
        return "UOffsetTRelative", builder.CreateString(value)

    def tables(*items: int) -> tuple[str, int]:
        builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            builder.PrependUOffsetTRelative(item)
        return "UOffsetTRelative", builder.EndVector()

    def floats(value: float) -> tuple[str, int]:
        builder.StartVector(4, 1, 4)
        builder.PrependFloat32(value)
        return "UOffsetTRelative", builder.EndVector()

    def offset(item: int) -> tuple[str, int]:
        return "UOffsetTRelative", item

    size = table({0: ("Uint32", contract.width), 1: ("Uint32", contract.height)}, 2)
    image = table({0: ("Int8", GRAYSCALE if contract.channels == 1 else RGB), 1: offset(size)}, 2)
    content = table({0: ("Uint8", IMAGE_PROPERTIES), 1: offset(image)}, 3)
    deviation = 1 / contract.pixel_scale  # what a pixel, less a mean of 0, is divided by
    normalization = table({0: floats(0.0), 1: floats(deviation)}, 2)
    process = table({0: ("Uint8", NORMALIZATION_OPTIONS), 1: offset(normalization)}, 2)
    stats = table({0: floats(255 / deviation), 1: floats(0.0)}, 2)
    image_in = table(
        {
            0: text("face"),
            1: text("A face crop, pixels 0 to 255"),
            3: offset(content),
            4: tables(process),
            5: offset(stats),
        },
        7,
    )
    labels = table(
        {
            0: text(LABELS_NAME),
            1: text("A label a line, in the order of the outputs"),
            2: ("Int8", TENSOR_AXIS_LABELS),
        },
        5,
    )
    plain = table({}, 0)
    features = table({0: ("Uint8", 1), 1: offset(plain)}, 3)
    probabilities = table(
        {0: text("probability"), 1: text("A probability a label"), 3: offset(features), 6: tables(labels)}, 7
    )
    graph = table({2: tables(image_in), 3: tables(probabilities)}, 5)
    more = table(
        {0: text(JSON_NAME), 1: text("Provenance and measured accuracy"), 2: ("Int8", DESCRIPTIONS)}, 5
    )
    root = table(
        {
            0: text(NAME),
            1: text(description),
            3: tables(graph),
            6: tables(more),
            7: text(PARSER_VERSION),
        },
        8,
    )
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())
