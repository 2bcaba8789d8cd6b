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

Slot = tuple[str, int]


def image_classifier_metadata(description: str, contract: InputContract) -> bytes:
    """Return the metadata flatbuffer: a face in, normalised as ``contract`` says, a probability a label out."""
    return _Metadata().document(description, contract)


class _Metadata:
    """The tables of one metadata flatbuffer, innermost first: what a table holds has to stand in the file before it.

    A slot of a table is the kind of its number, as ``flatbuffers`` calls it, and the number: a value, or the place of
    what it holds.
    """

    def __init__(self) -> None:
        import flatbuffers

        self.builder = flatbuffers.Builder(1024)

    def document(self, description: str, contract: InputContract) -> bytes:
        """Return the whole file."""
        face, probabilities = self.face(contract), self.probabilities()
        graph = self.table({2: self.tables(face), 3: self.tables(probabilities)}, 5)
        more = self.associated_file(JSON_NAME, "Provenance and measured accuracy", DESCRIPTIONS)
        slots = {
            0: self.text(NAME),
            1: self.text(description),
            3: self.tables(graph),
            6: self.tables(more),
            7: self.text(PARSER_VERSION),
        }
        self.builder.Finish(self.table(slots, 8), file_identifier=IDENTIFIER)
        return bytes(self.builder.Output())

    def face(self, contract: InputContract) -> int:
        """Return the input: its size and channels, its normalisation, the largest and least value of a pixel."""
        size = self.table({0: ("Uint32", contract.width), 1: ("Uint32", contract.height)}, 2)
        colours = GRAYSCALE if contract.channels == 1 else RGB
        image = self.table({0: ("Int8", colours), 1: offset(size)}, 2)
        content = self.table({0: ("Uint8", IMAGE_PROPERTIES), 1: offset(image)}, 3)
        deviation = 1 / contract.pixel_scale  # what a pixel, less a mean of 0, is divided by
        normalization = self.table({0: self.floats(0.0), 1: self.floats(deviation)}, 2)
        process = self.table({0: ("Uint8", NORMALIZATION_OPTIONS), 1: offset(normalization)}, 2)
        stats = self.table({0: self.floats(255 / deviation), 1: self.floats(0.0)}, 2)
        slots = {
            0: self.text("face"),
            1: self.text("A face crop, pixels 0 to 255"),
            3: offset(content),
            4: self.tables(process),
            5: offset(stats),
        }
        return self.table(slots, 7)

    def probabilities(self) -> int:
        """Return the output, whose numbers are called by the file of labels."""
        words = "A label a line, in the order of the outputs"
        labels = self.associated_file(LABELS_NAME, words, TENSOR_AXIS_LABELS)
        features = self.table({0: ("Uint8", 1), 1: offset(self.table({}, 0))}, 3)
        slots = {
            0: self.text("probability"),
            1: self.text("A probability a label"),
            3: offset(features),
            6: self.tables(labels),
        }
        return self.table(slots, 7)

    def associated_file(self, name: str, words: str, kind: int) -> int:
        return self.table({0: self.text(name), 1: self.text(words), 2: ("Int8", kind)}, 5)

    def table(self, slots: dict[int, Slot], count: int) -> int:
        """Return the place of a table with so many slots, those that are not in ``slots`` left at their defaults."""
        self.builder.StartObject(count)
        for slot, (kind, value) in slots.items():
            getattr(self.builder, f"Prepend{kind}Slot")(slot, value, 0)
        return int(self.builder.EndObject())

    def text(self, value: str) -> Slot:
        return offset(self.builder.CreateString(value))

    def tables(self, *items: int) -> Slot:
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.builder.PrependUOffsetTRelative(item)
        return offset(self.builder.EndVector())

    def floats(self, value: float) -> Slot:
        self.builder.StartVector(4, 1, 4)
        self.builder.PrependFloat32(value)
        return offset(self.builder.EndVector())


def offset(place: int) -> Slot:
    """Return the slot that holds what stands at ``place``."""
    return "UOffsetTRelative", place
