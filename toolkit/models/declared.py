"""What a Keras file declares, read and bounded before anything of it is built: its network and its weights."""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import read_short
from toolkit.models.file_kind import HDF5, opened_archive

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST_CONFIG_BYTES = 8 << 20  # the largest of keras.applications, NASNetLarge, has 1.2 MB
DEEPEST_NESTING = 100
MOST_CALLS = 2000  # of layers, when a network is built; NASNetLarge makes 1,039
MOST_OBJECTS = 100_000  # groups and data sets in an HDF5 file
# What a file unpacks to may be this many times its own size, or this many bytes: weights hardly compress.
LARGEST_GROWTH, FREE_BYTES = 10, 32 << 20


@dataclass(frozen=True)
class Declared:
    """config: the network as Keras serialised it; elements: how many numbers of weights are stored; alone: whether the
    file holds them alone, and the network stands in a JSON file beside it."""

    config: dict[str, Any]
    elements: int
    alone: bool = False


def read_declared(path: Path, kind: str) -> Declared:
    """Return what the file at ``path``, of ``kind`` KERAS_3 or HDF5, declares.

    Raises EdgeError for a file that is damaged, that unpacks to far more than it holds, whose weights lie outside of
    it, or that holds weights without a network.
    """
    try:
        return _of_hdf5(path) if kind == HDF5 else _of_archive(path)
    except (EdgeError, ModuleNotFoundError):
        raise
    except Exception as error:  # h5py, zipfile and the decompressors raise many kinds for damaged files
        raise EdgeError(f"{path} is damaged ({_first_line(error)}); copy or save it again") from error


def read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """Return a member of the archive at ``path``; EdgeError in one line where it is damaged."""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise EdgeError(
            f"{name} in {path} is damaged ({_first_line(error)}); copy or save it again"
        ) from error


def refuse_large_archive(archive: zipfile.ZipFile, path: Path) -> None:
    """Raise EdgeError where all members of an archive together are far larger than the file."""
    total, size = sum(info.file_size for info in archive.infolist()), path.stat().st_size
    if total > max(FREE_BYTES, LARGEST_GROWTH * size):
        raise EdgeError(
            f"{path} has {size:,} bytes and would unpack to {total:,}; that is no model file, or a hostile one"
        )


def parse_config(text: bytes | str, name: str) -> Any:
    """Return JSON of a moderate size; EdgeError, calling it ``name``, for huge, deep or broken JSON."""
    if len(text) > LARGEST_CONFIG_BYTES:
        raise EdgeError(f"{name} has {len(text):,} bytes; expected at most {LARGEST_CONFIG_BYTES:,}")
    try:
        document = json.loads(text, parse_int=_bounded_int)
    except RecursionError as error:
        raise EdgeError(f"{name} nests deeper than {DEEPEST_NESTING}; that is no network") from error
    except ValueError as error:
        raise EdgeError(
            f"{name} is no JSON that can be read ({_first_line(error)}); save the model again"
        ) from error
    level = [document]
    for _ in range(DEEPEST_NESTING):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return document
    raise EdgeError(f"{name} nests deeper than {DEEPEST_NESTING}; that is no network")


def _of_archive(path: Path) -> Declared:
    import h5py

    with opened_archive(path) as archive:
        refuse_large_archive(archive, path)
        if archive.getinfo(CONFIG).file_size > LARGEST_CONFIG_BYTES:
            raise EdgeError(f"{CONFIG} in {path} has over {LARGEST_CONFIG_BYTES:,} bytes; that is no network")
        config = parse_config(read_member(archive, CONFIG, path), f"{CONFIG} in {path}")
        weights = read_member(archive, WEIGHTS, path)
    with h5py.File(io.BytesIO(weights)) as file:
        elements = _verified_elements(file, f"{WEIGHTS} in {path}", len(weights))
    return Declared(_network(config, path), elements)


def _of_hdf5(path: Path) -> Declared:
    import h5py

    size = path.stat().st_size
    with h5py.File(path) as file:
        elements = _verified_elements(file, str(path), size)
        if "model_config" not in file.attrs:
            return Declared(_network(_beside(path), path), elements, alone=True)
        if file.attrs.get_id("model_config").get_storage_size() > min(size, LARGEST_CONFIG_BYTES):
            raise EdgeError(
                f"{path} describes its network in over {LARGEST_CONFIG_BYTES:,} bytes; that is none"
            )
        config = parse_config(file.attrs["model_config"], f"the network in {path}")
    return Declared(_network(config, path), elements)


def _beside(path: Path) -> Any:
    """Return the network in the JSON beside a file of weights: of the same name, or the only one there."""
    beside = path.with_name(path.name.split(".")[0] + ".json")
    networks = (
        [beside] if beside.is_file() else [one for one in path.parent.glob("*.json") if _is_network(one)]
    )
    if len(networks) != 1:
        raise EdgeError(
            f"{path} holds weights without the network, as save_weights writes them; put what model.to_json() gives "
            f"beside it as {beside.name}, or build the network in Python, load_weights into it, and write both with "
            "model.save('model.keras')"
        )
    return parse_config(_text_of(networks[0]), str(networks[0]))


def _is_network(path: Path) -> bool:
    return '"class_name"' in _text_of(path)[:200]


def _text_of(path: Path) -> str:
    try:
        return read_short(path, LARGEST_CONFIG_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeError(f"cannot read {path}: {error}; expected what model.to_json() gives") from error


def _network(config: Any, path: Path) -> dict[str, Any]:
    if (
        not isinstance(config, dict)
        or not isinstance(config.get("class_name"), str)
        or "config" not in config
    ):
        raise EdgeError(
            f"{path} describes no Keras network; expected a class_name and a config; save it again"
        )
    if (calls := _calls(config)) > MOST_CALLS:
        raise EdgeError(f"{path} calls {calls:,} layers when it is built; expected at most {MOST_CALLS:,}")
    return config


def _calls(value: Any) -> int:
    """Return how many layers a network calls when it is built: those of a network inside it at each of its calls."""
    if isinstance(value, list):
        return sum(map(_calls, value))
    if not isinstance(value, dict):
        return 0
    inside = sum(_calls(inner) for key, inner in value.items() if key != "inbound_nodes")
    layers, nodes = value.get("layers"), value.get("inbound_nodes")
    if isinstance(layers, list):
        inside += len(layers)
    return inside * max(1, len(nodes)) if isinstance(nodes, list) else inside


def _verified_elements(file: Any, name: str, size: int) -> int:
    """Return how many numbers the data sets of an HDF5 file hold; EdgeError for any that lie outside of it."""
    elements = declared = 0
    for place, data in _data_sets(file, name):
        if data.external or data.is_virtual:
            raise EdgeError(f"{place} in {name} takes its numbers from another file, which is not read")
        if data.dtype.hasobject:
            raise EdgeError(f"{place} in {name} holds {data.dtype} instead of numbers; save the model again")
        elements += math.prod(data.shape or ())
        declared += math.prod(data.shape or ()) * data.dtype.itemsize
    if declared > max(FREE_BYTES, LARGEST_GROWTH * size):
        raise EdgeError(
            f"{name} has {size:,} bytes and declares {declared:,} of weights; that is no model file"
        )
    return elements


def _data_sets(file: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the place and the data set of each one in an HDF5 file, following hard links only."""
    import h5py

    waiting, seen = [("", file)], set()
    while waiting:
        place, group = waiting.pop()
        for child in group:
            link = group.get(child, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise EdgeError(f"{place}/{child} in {name} is a link to elsewhere, which is not followed")
            inner = group[child]
            address = h5py.h5o.get_info(inner.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise EdgeError(
                    f"{name} holds over {MOST_OBJECTS:,} groups and data sets; that is no model file"
                )
            if isinstance(inner, h5py.Group):
                waiting.append((f"{place}/{child}", inner))
            elif isinstance(inner, h5py.Dataset):
                yield f"{place}/{child}", inner


def _bounded_int(text: str) -> int:
    if len(text) > 20 or abs(int(text)) >= 2**63:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _inside(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (one for one in inner if isinstance(one, dict | list))


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
