"""Parquet files as Hugging Face ``datasets`` writes image classification: a struct of bytes and path, and a label."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import EdgeError
from toolkit.data.files.foreign_kinds import why_no_data
from toolkit.data.files.growth import refuse_growth
from toolkit.data.files.table_labels import LABEL_COLUMNS, checked_label, column_named, label_text
from toolkit.data.shards.parquet_pages import unpacked_bytes
from toolkit.data.shards.record import Record

if TYPE_CHECKING:
    import pyarrow

IMAGE_COLUMNS = ("image", "img", "picture", "photo", "face", "jpg", "png")
# Under this key of the schema the library keeps what its columns are, in JSON.
FEATURES_KEY = b"huggingface"
# A few rows: where a picture is stored once and named in many of them, each gets a copy.
ROWS_AT_ONCE, BUFFER_BYTES = 32, 2**20


@dataclass(frozen=True)
class ParquetColumns:
    """Which columns hold pictures and labels, and the names of the labels, in the order of their numbers, or none."""

    image: str
    label: str
    names: tuple[str, ...]


def read_parquet(path: Path) -> tuple[tuple[str, ...], Iterator[Record]]:
    """Return the names of the classes that ``path`` declares, and its rows, read as they are asked for.

    A part of a row group is in memory at a time. Both, and asking for the rows, raise EdgeError: without pyarrow, for
    another kind of file, a missing column or an invalid label.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise EdgeError(f"{path} needs pyarrow: pip install pyarrow") from None
    try:
        file = pyarrow.parquet.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)
        columns = columns_of(path, file.schema_arrow)
        size = unpacked_bytes(path, file.metadata)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise unreadable(path, error) from error
    refuse_growth(path, size)
    return columns.names, rows_of(path, file, columns)


def rows_of(path: Path, file: "pyarrow.parquet.ParquetFile", columns: ParquetColumns) -> Iterator[Record]:
    """Yield the rows of an open file as records."""
    import pyarrow

    names, row, size = [columns.image, columns.label], 0, 0
    try:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=names, use_threads=False):
            pictures = batch.column(columns.image)
            if pyarrow.types.is_struct(pictures.type):
                pictures = pictures.field("bytes")
            for content, value in zip(pictures, batch.column(columns.label).to_pylist(), strict=True):
                row += 1
                label = class_label(f"{path}, row {row}", value, columns.names)
                picture = content.as_py()
                size += len(picture or b"")
                refuse_growth(path, size)
                yield Record.of(f"{path.name}, row {row}", label, picture)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error
    finally:
        file.close()


def class_label(where: str, value: object, names: tuple[str, ...]) -> str:
    """Return the name of the class of number ``value``, or the label itself where numbers have no names."""
    if names and not isinstance(value, str):
        label = label_text(value)
        if label and int(label) < len(names):
            return names[int(label)]
        raise EdgeError(
            f"{where}: expected a label from 0 to {len(names) - 1} ({', '.join(names)}); received {value}; "
            "correct or remove the row, or leave out a split without labels"
        )
    return checked_label(value, where)


def columns_of(path: Path, schema: "pyarrow.Schema") -> ParquetColumns:
    """Return where pictures and labels stand; EdgeError where a column is missing or holds something else."""
    from pyarrow import types

    features = features_of(schema.metadata or {})
    image = column_of(path, schema, features, "Image", IMAGE_COLUMNS)
    labels = ("label", *LABEL_COLUMNS) if "label" in features else LABEL_COLUMNS
    label = column_of(path, schema, features, "ClassLabel", labels)
    kind = schema.field(image).type
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    if not (types.is_binary(kind) or types.is_large_binary(kind)):
        raise EdgeError(
            f"{path}: column '{image}' is {str(schema.field(image).type)[:60]}; expected image files, "
            "struct<bytes: binary, path: string>"
        )
    held = schema.field(label).type
    value = held.value_type if types.is_dictionary(held) else held
    if not any(
        check(value)
        for check in (types.is_integer, types.is_floating, types.is_string, types.is_large_string)
    ):
        raise EdgeError(
            f"{path}: column '{label}' is {str(held)[:60]}; expected a class for each row, a number or name"
        )
    names = features.get(label, {}).get("names")
    return ParquetColumns(image, label, tuple(map(str, names)) if isinstance(names, list) else ())


def column_of(
    path: Path,
    schema: "pyarrow.Schema",
    features: dict[str, dict[str, Any]],
    kind: str,
    usual: tuple[str, ...],
) -> str:
    """Return the first of the ``usual`` columns, else the only one that ``features`` tells to be of ``kind``, else
    another of the ``usual`` ones."""
    told = [
        name for name, feature in features.items() if feature.get("_type") == kind and name in schema.names
    ]
    if usual[0] in schema.names or not told:
        at = column_named([name.lower() for name in schema.names], usual)
        told = [] if at is None else [schema.names[at]]
    if len(told) == 1 and schema.names.count(told[0]) == 1:
        return told[0]
    raise EdgeError(
        f"{path}: expected one column '{'image' if kind == 'Image' else 'label'}'; it has: "
        f"{', '.join(schema.names)[:120] or 'none'}; pictures stand in 'image', a struct of bytes and path, classes in "
        "'label', an integer or a name: rename the columns, or save a table of pixels as CSV"
    )


def features_of(metadata: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """Return what the file's own metadata tells of each column, by its name; empty where it tells nothing."""
    try:
        features = json.loads(metadata[FEATURES_KEY])["info"]["features"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def unreadable(path: Path, error: Exception) -> EdgeError:
    """Return the error for a file that is no parquet, or damaged."""
    try:
        open(path, "rb").close()
    except OSError as denied:
        return EdgeError(f"cannot read {path}: {denied.strerror}; expected a parquet file")
    if why := why_no_data(path):
        return EdgeError(f"{path} {why}")
    reason = str(error).strip().split("\n")[0][:120]
    return EdgeError(f"cannot read {path} as parquet: {reason}; fetch or write it again")
