"""Dataclasses from JSON, every value checked against the type of its field."""

import dataclasses
import functools
import types
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

Kind = TypeVar("Kind")
WORDS = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "an object",
}  # fmt: skip
type_hints = functools.cache(functools.partial(get_type_hints, include_extras=True))


def decode(kind: type[Kind], value: Any, place: str = "") -> Kind:
    """Return ``value``, as ``json.loads`` gives it, as ``kind``: a dataclass of numbers, texts, tuples, dictionaries,
    TypedDicts and other dataclasses. ``Annotated[dict[str, Any], Facts]`` is checked by the TypedDict ``Facts``.

    Fields that ``kind`` does not have are left out, those with a default may be missing. Raises ValueError naming the
    place of a value of another type, or what the dataclass itself raises.
    """
    found: Kind = _decoded(kind, value, place)
    return found


def _decoded(kind: Any, value: Any, place: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is Annotated:
        return _decoded(parts[1], value, place)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, place)
    if is_typeddict(kind):
        return _typed_dict(kind, value, place)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        return _decoded(next(part for part in parts if part is not type(None)), value, place)
    if origin is tuple:
        return _tuple(parts, value, place)
    if origin is list:
        items = _of(list, value, place)
        return [_decoded(parts[0], one, f"{place}[{row}]") for row, one in enumerate(items)]
    if origin is dict:
        found = _of(dict, value, place)
        return {key: _decoded(parts[1], one, f"{place}.{key}") for key, one in found.items()}
    return _of(kind, value, place)


def _tuple(parts: tuple[Any, ...], value: Any, place: str) -> Any:
    items = _of(list, value, place)
    each = [parts[0]] * len(items) if parts[-1] is Ellipsis else parts
    if len(each) != len(items):
        raise ValueError(f"{place} has {len(items)} values, expected {len(each)}")
    pairs = zip(each, items, strict=True)
    return tuple(_decoded(part, one, f"{place}[{row}]") for row, (part, one) in enumerate(pairs))


def _typed_dict(kind: Any, value: Any, place: str) -> Any:
    hints, found = type_hints(kind), _of(dict, value, place)
    if missing := kind.__required_keys__ - found.keys():
        raise ValueError(f"{place.lstrip('.') or 'the document'} has no '{min(missing)}'")
    return {key: _decoded(hints.get(key, Any), one, f"{place}.{key}") for key, one in found.items()}


def _dataclass(kind: Any, value: Any, place: str) -> Any:
    found, hints, values = _of(dict, value, place), type_hints(kind), {}
    for field in dataclasses.fields(kind):
        if field.name in found:
            values[field.name] = _decoded(
                hints[field.name], found[field.name], f"{place}.{field.name}".lstrip(".")
            )
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{place or 'the document'} has no '{field.name}'")
    return kind(**values)


def _of(kind: type, value: Any, place: str) -> Any:
    """Return ``value`` if it is a ``kind``; a whole number will do for a float, true and false only for a bool."""
    wanted: Any = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        received = WORDS.get(type(value), "null")
        raise ValueError(f"{place.lstrip('.') or 'the document'} is {received}, expected {WORDS[kind]}")
    return value
