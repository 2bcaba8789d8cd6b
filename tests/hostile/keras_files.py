"""Hostile ``.keras`` and ``.h5`` files, made of a good one; each entry is one of a kind."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from keras_networks import CODE, CONFIG, GRAPHS, NUMBERS, WITNESS, members

WEIGHTS, METADATA = "model.weights.h5", "fer_edge.json"


def archived(good: Path, out: Path, change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> None:
    """Write to ``out`` the archive that ``change`` makes of the members of ``good``."""
    with zipfile.ZipFile(out, "w") as archive:
        change(archive, members(good))


def metadata(**values: Any) -> Callable[[Path, Path], None]:
    def change(archive: zipfile.ZipFile, found: dict[str, bytes]) -> None:
        for name, content in {**found, METADATA: json.dumps(values).encode()}.items():
            archive.writestr(name, content)

    return lambda good, out: archived(good, out, change)


METADATA_FILES = {
    "labels of numbers": metadata(labels=[1, 2, 3, 4, 5, 6, 7]),
    "labels that are an object": metadata(labels={"a": 1}),
    "labels with control characters": metadata(labels=[f"\x1b[2J{number}" for number in range(7)]),
    "a training that is a list": metadata(labels=list("abcdefg"), training=[1]),
    "a recipe that is text": metadata(labels=list("abcdefg"), training={"recipe": "x"}),
    "a margin of text": metadata(labels=list("abcdefg"), crop_margin="wide"),
    "a margin without end": metadata(labels=list("abcdefg"), crop_margin=1e308),
    "a pixel range that is a list": metadata(labels=list("abcdefg"), pixel_range=[0, 1]),
}


def extra(name: str, content: bytes = b"x", attributes: int = 0) -> Callable[[Path, Path], None]:
    """Return what writes the archive with one member more."""

    def change(archive: zipfile.ZipFile, found: dict[str, bytes]) -> None:
        for known, held in found.items():
            archive.writestr(known, held)
        info = zipfile.ZipInfo(name)
        info.external_attr = attributes
        archive.writestr(info, content)

    return lambda good, out: archived(good, out, change)


def patched(change: Callable[[bytearray, int, int], object]) -> Callable[[Path, Path], None]:
    """Return what changes bytes, given where config.json's local and central header begin."""

    def write(good: Path, out: Path) -> None:
        data = bytearray(good.read_bytes())
        central = data.rfind(b"PK\x01\x02", 0, data.rfind(CONFIG.encode()))
        change(data, struct.unpack_from("<I", data, central + 42)[0], central)
        out.write_bytes(data)

    return write


def encrypted(data: bytearray, local: int, central: int) -> None:
    data[local + 6] |= 1
    data[central + 8] |= 1


def method(number: int) -> Callable[[bytearray, int, int], None]:
    def change(data: bytearray, local: int, central: int) -> None:
        struct.pack_into("<H", data, local + 8, number)
        struct.pack_into("<H", data, central + 10, number)

    return change


def lengthened(good: Path, out: Path) -> None:
    """A file of 1 TB that takes no room."""
    out.write_bytes(good.read_bytes())
    with open(out, "r+b") as file:
        file.truncate(1 << 40)


def many_members(good: Path, out: Path) -> None:
    """A zip that lists a million members more than it has."""
    found = members(good)
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    data = out.read_bytes()
    place = data.rfind(b"PK\x05\x06")
    start = struct.unpack_from("<I", data, place + 16)[0]
    entry = bytearray(data[start : start + 46]) + b"aaaaaaaa"
    struct.pack_into("<HHH", entry, 28, 8, 0, 0)
    listed = b"".join(bytes(entry[:46]) + b"%08d" % number for number in range(1_000_000))
    total = len(listed) + place - start
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1_000_003, 1_000_003, total, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + total, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    out.write_bytes(data[:place] + listed + large + locator + end)


ARCHIVES: dict[str, Callable[[Path, Path], None]] = {
    "a member twice": extra(CONFIG, b'{"class_name": "Sequential", "config": {}}'),
    "a member above the folder": extra("../../fer-edge-hostile-witness"),
    "a member of the root": extra(WITNESS),
    "a link": extra("assets/link", b"/etc/passwd", 0o120777 << 16),
    "assets above the folder": extra("assets/../../../fer-edge-hostile-witness"),
    "names with control characters": extra("\x1b[2J\x07.keras"),
    "an encrypted member": patched(encrypted),
    "an unknown compression": patched(method(99)),
    "a member of 2^31 bytes": patched(
        lambda data, local, central: struct.pack_into("<I", data, central + 24, 2**31 - 1)),
    "a member that begins elsewhere": patched(
        lambda data, local, central: struct.pack_into("<I", data, central + 42, 2**31 - 1)),
    "a wrong digest": patched(lambda data, local, central: struct.pack_into("<I", data, central + 16, 1)),
    "a million members": many_members,
    "a file of 1 TB": lambda good, out: lengthened(good, out),
}  # fmt: skip


def hdf5(change: Callable[[h5py.File], object]) -> Callable[[Path, Path], None]:
    """Return what changes the HDF5 file."""

    def write(good: Path, out: Path) -> None:
        out.write_bytes(good.with_suffix(".h5").read_bytes())
        with h5py.File(out, "r+") as file:
            change(file)

    return write


def attribute(value: object) -> Callable[[Path, Path], None]:
    def change(file: h5py.File) -> None:
        del file.attrs["model_config"]
        file.attrs["model_config"] = value

    return hdf5(change)


def odd_filter(file: h5py.File) -> None:
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((4,))
    made.set_filter(32_123, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"odd", h5py.h5t.NATIVE_FLOAT, space, made)


def deep_groups(file: h5py.File) -> None:
    group = file
    for _ in range(3000):
        group = group.create_group("g")


def behind_a_block(good: Path, out: Path) -> None:
    with h5py.File(out, "w", userblock_size=512) as file:
        file.attrs["model_config"] = "{}"
    data = bytearray(out.read_bytes())
    data[:8] = b"\x89HDF\r\n\x1a\n"
    out.write_bytes(data)


def one_byte(after: bytes, offset: int, value: int) -> Callable[[Path, Path], None]:
    """Return what changes the byte so far behind the first ``after``."""

    def write(good: Path, out: Path) -> None:
        data = bytearray(good.with_suffix(".h5").read_bytes())
        data[data.index(after) + offset] = value
        out.write_bytes(data)

    return write


HDF5_FILES: dict[str, Callable[[Path, Path], None]] = {
    "a network as number": attribute(7),
    "a network as array": attribute(np.arange(10)),
    "a network in parts": attribute(np.array([b"{", b"}"])),
    "a network of nothing": attribute(h5py.Empty("S10")),
    "a network by reference": hdf5(lambda file: (file.attrs.__delitem__("model_config"),
                                                 file.attrs.create("model_config", file.ref, dtype=h5py.ref_dtype))),
    "layer names as number": hdf5(lambda file: file["model_weights"].attrs.__setitem__("layer_names", 3)),
    "layer names that lead away": hdf5(lambda file: file["model_weights"].attrs.__setitem__(
        "layer_names", [b"../../x", b"/", b"\xff"])),
    "a million layer names": hdf5(lambda file: file.create_dataset("names", data=np.zeros(1_000_000, "S1"))),
    "an unknown filter": hdf5(odd_filter),
    "groups 3,000 deep": hdf5(deep_groups),
    "references as weights": hdf5(lambda file: file.create_dataset("r", (3,), dtype=h5py.ref_dtype)),
    "a record as weights": hdf5(lambda file: file.create_dataset("r", (3,), dtype=[("a", "f4"), ("b", "S9")])),
    "a type that is stored": hdf5(lambda file: file.__setitem__("t", np.dtype("f4"))),
    "a file behind a block": behind_a_block,
    "a file of 1 TB": lambda good, out: lengthened(good.with_suffix(".h5"), out),
    "a text of no known kind": one_byte(b"\x19\x01\x01\x00", 1, 255),
    "a heap without end": one_byte(b"GCOL", 24, 0),
    "half a file": lambda good, out: out.write_bytes(good.with_suffix(".h5").read_bytes()[:3000]),
}  # fmt: skip


def other_weights(change: Callable[[h5py.File], object]) -> Callable[[Path, Path], None]:
    def write(good: Path, out: Path) -> None:
        found = members(good)
        content = io.BytesIO(found[WEIGHTS])
        with h5py.File(content, "r+") as file:
            change(file)
        found[WEIGHTS] = content.getvalue()
        with zipfile.ZipFile(out, "w") as archive:
            for name, held in found.items():
                archive.writestr(name, held)

    return write


def kernel(**made: Any) -> Callable[[Path, Path], None]:
    """Return what writes the file with another data set in place of the last layer's kernel; none: a group."""

    def change(file: h5py.File) -> None:
        variables = file["layers/dense/vars"]
        del variables["0"]
        if made:
            variables.create_dataset("0", **made)
        else:
            variables.create_group("0")

    return other_weights(change)


WEIGHT_FILES: dict[str, Callable[[Path, Path], None]] = {
    "no weights": other_weights(lambda file: file.clear()),
    "weights of one number": kernel(data=1.0),
    "weights of texts": kernel(data=np.zeros(3, "S9")),
    "weights that are a group": kernel(),
    "weights not numbers": kernel(data=np.full((484, 7), np.nan, np.float32)),
}
FILES = {
    ".keras": {**CODE, **NUMBERS, **GRAPHS, **METADATA_FILES, **ARCHIVES, **WEIGHT_FILES},
    ".h5": HDF5_FILES,
}
