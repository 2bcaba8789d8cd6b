"""What a Keras file declares, read and bounded before anything of it is built: its network, and weights beside it."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import read_short, regular_size
from device.text import one_line
from device.zip_files import DAMAGE
from toolkit.models.opening.file_kind import CONFIG, HDF5, WEIGHTS, opened_archive
from toolkit.models.opening.hdf5_copy import FREE_BYTES, LARGEST_GROWTH, LONGEST_REASON, copy_hdf5

LARGEST_CONFIG_BYTES = 8 << 20  # the largest of keras.applications, NASNetLarge, has 1.2 MB
DEEPEST_NESTING = 100
START_BYTES = 200
MOST_CALLS = 2000  # of layers, when a network is built; NASNetLarge makes 1,039


@dataclass(frozen=True)
class Declared:
    """config: the network as Keras serialised it; alone: whether the file holds weights alone, and the network stands
    in a JSON file beside it."""

    config: dict[str, Any]
    alone: bool = False


def read_declared(path: Path, kind: str, weights: Path) -> Declared:
    """Return what the file at ``path``, of ``kind`` KERAS_3 or HDF5, declares; its HDF5 is copied to ``weights``.

    Raises EdgeError for a file that is damaged, that unpacks to far more than it holds, whose weights lie outside of
    it, or that holds weights without a network.
    """
    try:
        return _of_hdf5(path, weights) if kind == HDF5 else _of_archive(path, weights)
    except (EdgeError, ModuleNotFoundError):
        raise
    except Exception as error:  # zipfile and the decompressors raise many kinds for damaged files
        raise EdgeError(
            f"{path} is damaged ({one_line(error, LONGEST_REASON)}); copy or save it again"
        ) from error


def read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """Return a member of the archive at ``path``; EdgeError in one line where it is damaged."""
    try:
        return archive.read(name)
    except DAMAGE as error:
        raise EdgeError(
            f"{name} in {path} is damaged ({one_line(error, LONGEST_REASON)}); copy or save it again"
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
            f"{name} is no JSON that can be read ({one_line(error, LONGEST_REASON)}); save the model again"
        ) from error
    level = [document]
    for _ in range(DEEPEST_NESTING):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return document
    raise EdgeError(f"{name} nests deeper than {DEEPEST_NESTING}; that is no network")


def parts(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every dictionary of a network's configuration, its layers among them, the outer ones first."""
    if isinstance(config, dict):
        yield config
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from parts(part)


def _of_archive(path: Path, weights: Path) -> Declared:
    with opened_archive(path) as archive:
        refuse_large_archive(archive, path)
        if archive.getinfo(CONFIG).file_size > LARGEST_CONFIG_BYTES:
            raise EdgeError(f"{CONFIG} in {path} has over {LARGEST_CONFIG_BYTES:,} bytes; that is no network")
        config = parse_config(read_member(archive, CONFIG, path), f"{CONFIG} in {path}")
        stored = weights.with_name("stored.h5")
        stored.write_bytes(read_member(archive, WEIGHTS, path))
    network = _network(config, path)
    copy_hdf5(stored, weights, f"{WEIGHTS} in {path}", path.stat().st_size)
    stored.unlink()
    return Declared(network)


def _of_hdf5(path: Path, weights: Path) -> Declared:
    import h5py

    copy_hdf5(path, weights, str(path), path.stat().st_size)
    with h5py.File(weights) as file:
        text = file.attrs.get("model_config")
    config = _beside(path) if text is None else parse_config(text, f"the network in {path}")
    return Declared(_network(config, path), alone=text is None)


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
    """Return whether a JSON file begins as a network's does; what cannot be read is some other file."""
    try:
        regular_size(path)
        with open(path, "rb") as file:
            return b'"class_name"' in file.read(START_BYTES)
    except OSError:
        return False


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
    """Return how many layers and cells a network calls when it is built: those of a network inside it at each call."""
    if isinstance(value, list):
        return sum(map(_calls, value))
    if not isinstance(value, dict):
        return 0
    inside = sum(_calls(inner) for key, inner in value.items() if key != "inbound_nodes")
    nodes = value.get("inbound_nodes")
    inside += sum(len(held) for key in ("layers", "cells") if isinstance(held := value.get(key), list))
    return inside * max(1, len(nodes)) if isinstance(nodes, list) else inside


def _bounded_int(text: str) -> int:
    if len(text) > 20 or abs(int(text)) >= 2**63:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _inside(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (one for one in inner if isinstance(one, dict | list))
