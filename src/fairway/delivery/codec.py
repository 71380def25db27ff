"""Frozen data of the delivery as JSON text and back: what is kept in databases and journals.

The store and the engine use it for deployments, happenings, releases and live numbers. One codec
for every dataclass, driven by its annotations. It guarantees:

- `decode(Kind, encode(value)) == value`, for dataclasses of plain values, tuples, frozen sets,
  mappings, and unions of dataclasses
- strict: a missing field, a wrong type or an unknown choice is InvalidInput that names the place
- forgiving to additions: unknown fields are left out and new fields get their defaults, so that
  what waits in a database survives an upgrade of Fairway, and also a step back
- nothing is executed: no pickle, no names of classes that are looked up
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from fairway.delivery.deployment import Deployment
from fairway.delivery.happenings import Happening
from fairway.errors import InvalidInput

FORMAT = 1
"""Raised only when older values need a conversion, which then goes into `_unwrapped`."""

T = TypeVar("T")
Json = Any
_Reader = Callable[[Json, str], Any]
_HAPPENINGS: Mapping[str, type[Happening]] = {kind.__name__: kind for kind in get_args(Happening)}


def encode(value: object) -> str:
    """A dataclass as JSON text, with the format and the name of its kind."""
    envelope = {"fairway": FORMAT, "is": type(value).__name__, "value": plain(value)}
    return json.dumps(envelope, separators=(",", ":"), allow_nan=False)


def decode(kind: type[T], text: str) -> T:
    """What `encode` made of a value of exactly this kind; raises InvalidInput."""
    name, value = _unwrapped(text)
    if name != kind.__name__:
        raise _misfit("", f"a {kind.__name__} was expected, this is a {name}")
    return restored(kind, value)


def decode_happening(text: str) -> Happening:
    """What `encode` made of any happening; raises InvalidInput."""
    name, value = _unwrapped(text)
    if name not in _HAPPENINGS:
        raise _misfit("", f"{name} is not a happening")
    return restored(_HAPPENINGS[name], value)


def decode_deployment(text: str) -> Deployment:
    """What `encode` made of a deployment; raises InvalidInput."""
    return decode(Deployment, text)


def plain(value: object) -> Json:
    """A value as what `json` can write. Mappings keep their order, sets are sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(each) for each in value)
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} is no plain value")


def restored(kind: type[T], value: Json, where: str = "") -> T:
    """A value of a kind from what `plain` made of it; raises InvalidInput."""
    reader: _Reader = _reader(cast(Any, kind))
    return cast(T, reader(value, where or kind.__name__))


def _unwrapped(text: str) -> tuple[str, Json]:
    try:
        envelope = json.loads(text)
    except ValueError as error:
        raise _misfit("", f"this is not JSON: {error}") from error
    if not isinstance(envelope, dict) or not {"fairway", "is", "value"} <= envelope.keys():
        raise _misfit("", "this was not written by Fairway")
    if envelope["fairway"] != FORMAT:
        raise _misfit("", f"format {envelope['fairway']} is not known here, only {FORMAT}")
    return str(envelope["is"]), envelope["value"]


@cache
def _reader(kind: Any) -> _Reader:  # noqa: PLR0911 - a case per shape
    """How values of an annotation are read, worked out once per annotation."""
    origin = get_origin(kind)
    if kind in (Any, object):
        return lambda value, _where: value
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    if origin is Literal:
        return _choice_reader(get_args(kind))
    if origin in (Union, types.UnionType):
        return _optional_reader(get_args(kind))
    if origin in (tuple, frozenset, list):
        return _sequence_reader(origin, get_args(kind))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping_reader(*get_args(kind))
    return _scalar_reader(kind)


def _dataclass_reader(kind: Any) -> _Reader:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(value: Json, where: str) -> Any:
        given = _expected(dict, value, where)
        missing = required - given.keys()
        if missing:
            raise _misfit(where, f"{', '.join(sorted(missing))} is missing")
        known = readers.keys() & given.keys()
        return kind(**{name: readers[name](given[name], f"{where}.{name}") for name in known})

    return read


def _choice_reader(choices: tuple[Any, ...]) -> _Reader:
    def read(value: Json, where: str) -> Any:
        if value not in choices:
            raise _misfit(where, f"{value!r} is none of {', '.join(map(str, choices))}")
        return value

    return read


def _optional_reader(kinds: tuple[Any, ...]) -> _Reader:
    """`X | None`: the only union that is kept within a value."""
    [inner] = [kind for kind in kinds if kind is not type(None)]
    reader = _reader(inner)
    return lambda value, where: None if value is None else reader(value, where)


def _sequence_reader(origin: Any, kinds: tuple[Any, ...]) -> _Reader:
    fixed = origin is tuple and Ellipsis not in kinds
    readers = [_reader(kind) for kind in kinds if kind is not Ellipsis]

    def read(value: Json, where: str) -> Any:
        given = _expected(list, value, where)
        if fixed and len(given) != len(readers):
            raise _misfit(where, f"{len(readers)} values were expected, these are {len(given)}")
        each = readers if fixed else readers * len(given)
        pairs = zip(each, given, strict=True)
        return origin(reader(item, f"{where}[{n}]") for n, (reader, item) in enumerate(pairs))

    return read


def _mapping_reader(key_kind: Any, value_kind: Any) -> _Reader:
    reader = _reader(value_kind)

    def read(value: Json, where: str) -> Any:
        given = _expected(dict, value, where)
        return {
            _key(key_kind, key, where): reader(each, f"{where}.{key}")
            for key, each in given.items()
        }

    return read


def _key(kind: Any, key: str, where: str) -> Any:
    if kind is not int:
        return key
    try:
        return int(key)
    except ValueError:
        raise _misfit(where, f"the key {key!r} is not a whole number") from None


def _scalar_reader(kind: Any) -> _Reader:
    def read(value: Json, where: str) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        return _expected(kind, value, where)

    return read


def _expected(kind: type[T], value: Json, where: str) -> T:
    if type(value) is not kind:
        found, wanted = type(value).__name__, kind.__name__
        raise _misfit(where, f"{wanted} was expected, this is {found}")
    return value


def _misfit(where: str, what: str) -> InvalidInput:
    return InvalidInput(
        "stored-value",
        f"a stored value cannot be read: {what}",
        where=where,
        remedy="use the Fairway that wrote it, or a newer one",
    )
