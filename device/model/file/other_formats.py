"""What is taken for a .tflite and is a model of another kind, with the way to one."""

from pathlib import Path

from device.foreign_files import NOT_FETCHED, is_onnx, why_foreign

LONGEST_START = 1 << 10  # in which the name of an ONNX file's writer stands
ONNX = "an ONNX model; convert it to .tflite with onnx2tf"
PYTORCH = "a PyTorch model; convert it to .tflite with litert-torch"
OF_SUFFIX = {".onnx": ONNX, ".pt": PYTORCH, ".pth": PYTORCH}
OF_START = (
    (0, b"\x89HDF", "a Keras model", "convert it with 'toolkit quantize'"),
    (0, b"PK", "a zip archive, such as a .keras file", "convert that with 'toolkit quantize', or unpack it"),
)


def why_other(data: bytes | bytearray, name: str) -> str:
    """Return 'WHAT; WAY OUT' of the content of the file ``name`` where that is of a known other kind, else ''."""
    if why := why_foreign(memoryview(data), NOT_FETCHED):
        return why
    if is_onnx(bytes(data[:LONGEST_START])):
        return ONNX
    return OF_SUFFIX.get(Path(name).suffix.lower()) or why_foreign(memoryview(data), OF_START)
