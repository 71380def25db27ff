"""Validation errors of Pydantic as problems that name the place, what is wrong and the remedy.

Called by `load`. Pydantic says which rule a value broke; here that becomes a sentence about the
user's file: an unknown key gets the closest known one, a number its bounds, a missing key its
parent's place. A value that a variable filled in is shown as it stands in the file, because what
the variable holds may be secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from fairway.model.app import App
from fairway.model.names import closest, did_you_mean, shown
from fairway.model.places import Findings, Path, dotted
from fairway.model.settle import Settled
from fairway.model.values import Misfit

_KINDS = {
    "model_type": ("a mapping of keys to values", "write 'key: value' lines below it"),
    "dict_type": ("a mapping of names to values", "write 'name: value' lines below it"),
    "tuple_type": ("a list", "write '[a, b]', or one '- a' per line"),
    "string_type": ("text", "put it in quotes if it is meant as text"),
}
_BOUNDS = {
    "greater_than": ("gt", "is not more than", "more than"),
    "greater_than_equal": ("ge", "is less than", "at least"),
    "less_than": ("lt", "is not less than", "less than"),
    "less_than_equal": ("le", "is more than", "at most"),
}
_PATTERNS = {
    "handler": ("is not a handler", "write the module and the callable: shop.main:handle"),
    "bus": ("is not the address of an event bus", "write nats://bus.example.com:4222"),
    "otlp": ("is not an http(s) address", "write the collector's: http://127.0.0.1:4318"),
}


def explain(errors: Iterable[ErrorDetails], settled: Settled, findings: Findings) -> None:
    """Note a problem for each error of validating `settled.data` as an App."""
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # short only because items in it are wrong, each of which has its own error
        loc = error["loc"]
        path = real_path(settled.data, loc)
        message, remedy = _words(error, path, settled)
        on_key = error["type"] == "extra_forbidden" or loc[-1:] == ("[key]",)
        place = settled.key_place(path) if on_key else settled.place(path)
        findings.error(place, _code(error), message, remedy)


def real_path(data: Any, loc: Path) -> Path:
    """The path in the user's data for a path in the model, which knows only long forms.

    `("calls", "axon", "intents", 0)` is `("calls", "axon", 0)` where the short form stands.
    Steps that the data does not have are left out.
    """
    path: list[str | int] = []
    for step in loc:
        if _holds(data, step):
            data = data[step]
            path.append(step)
    return tuple(path)


def _holds(data: Any, step: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(step, int) and step < len(data)
    return isinstance(data, Mapping) and step in data


def _code(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "unknown-key"
        case "missing":
            return "missing-key"
        case _:
            return "invalid-value"


def _words(error: ErrorDetails, path: Path, settled: Settled) -> tuple[str, str]:
    kind, loc = error["type"], error["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    if kind == "missing":
        return _missing(path, str(loc[-1]))
    subject = f"{dotted(path[:-1]) or 'the file'}: " if loc[-1:] == ("[key]",) else _subject(path)
    if error["input"] is None:
        return f"{subject}nothing is given", "give it a value, or remove the key"
    value = _value(error, path, settled)
    wrong, remedy = _wrong(error, str(loc[-1]) if loc else "")
    return f"{subject}{value} {wrong}", remedy


def _subject(path: Path) -> str:
    return f"{dotted(path)}: " if path else ""


def _value(error: ErrorDetails, path: Path, settled: Settled) -> str:
    given = error["input"]
    if path in settled.filled:
        return f"{shown(settled.filled[path])} with its variables filled in"
    match given:
        case bool():
            return shown(str(given).lower())
        case Mapping():
            return "the mapping"
        case list() | tuple():
            return "the list"
        case _:
            return shown(given)


def _unknown_key(loc: Path) -> tuple[str, str]:
    name, parent = str(loc[-1]), loc[:-1]
    known = _keys_at(parent)
    where = f"in {dotted(parent)}" if parent else "at the top of an app file"
    return f"the key {shown(name)} is not known {where}", _key_remedy(name, known)


def _key_remedy(name: str, known: list[str]) -> str:
    alike = closest(name, known)
    return f"did you mean '{alike}'?" if alike else f"remove it; known: {', '.join(known)}"


def _missing(path: Path, name: str) -> tuple[str, str]:
    where = dotted(path) or "the file"
    return f"{where} has no '{name}'", f"add '{name}:' {'to it' if path else 'at the top'}"


def _wrong(error: ErrorDetails, key: str) -> tuple[str, str]:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        return cause.message, cause.remedy
    match error["type"]:
        case "string_type" if isinstance(error["input"], list | Mapping):
            words = "is not text", "write it as one line of text"
        case kind if kind in _KINDS:
            expected, remedy = _KINDS[kind]
            words = f"is not {expected}", remedy
        case kind if kind in _BOUNDS:
            words = _out_of_bounds(error)
        case "literal_error":
            words = _not_a_choice(error)
        case "string_pattern_mismatch" if key in _PATTERNS:
            words = _PATTERNS[key]
        case "too_short" | "string_too_short":
            words = "is empty", "give it at least one, or remove the key"
        case _:
            words = f"is not valid: {error['msg']}", "see docs/app-file.md for this key"
    return words


def _out_of_bounds(error: ErrorDetails) -> tuple[str, str]:
    name, relation, bound = _BOUNDS[error["type"]]
    limit = error["ctx"][name]
    return f"{relation} {limit:g}", f"write a number that is {bound} {limit:g}"


def _not_a_choice(error: ErrorDetails) -> tuple[str, str]:
    choices = [str(c) for kind in _unwrapped(_type_at(error["loc"])) for c in get_args(kind)]
    given = error["input"]
    if not isinstance(given, str):
        return "is not a choice here", f"write one of: {', '.join(choices)}"
    return "is not a choice here", did_you_mean(given, choices, "choose another")


def _keys_at(loc: Path) -> list[str]:
    """The keys that the model knows at `loc`; empty where anything is allowed."""
    model = _model(_type_at(loc))
    names = [*_fields(model)]
    return ["extends", *names] if model is App else names


def _type_at(loc: Path) -> Any:
    """The declared type at `loc`; None where the model says nothing."""
    kind: Any = App
    for step in loc:
        fields = _fields(_model(kind))
        kind = fields[str(step)].annotation if step in fields else _inner(kind)
    return kind


def _fields(model: type[BaseModel] | None) -> dict[str, FieldInfo]:
    """The fields of a declaration by the keys that people write: `from` is no name in Python."""
    fields = model.model_fields if model else {}
    return {field.alias or name: field for name, field in fields.items()}


def _model(kind: Any) -> type[BaseModel] | None:
    for candidate in _unwrapped(kind):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _inner(kind: Any) -> Any:
    """What a dict or tuple holds."""
    for candidate in _unwrapped(kind):
        if get_origin(candidate) is dict:
            return get_args(candidate)[1]
        if get_origin(candidate) is tuple:
            return get_args(candidate)[0]
    return None


def _unwrapped(kind: Any) -> list[Any]:
    """The types inside Annotated and unions."""
    if hasattr(kind, "__metadata__"):
        return _unwrapped(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [inner for part in get_args(kind) for inner in _unwrapped(part)]
    return [kind]
