"""The request that a filled in form of the API explorer means. Pure.

The pages of the console hand in what was posted, by the keys of `operations.Field`; what comes out
is sent as an identity. Text that does not fit its field is told by the field's key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fairway.console.views.operations import PARAMETER, Field, Operation, Place
from fairway.errors import InvalidInput

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLACES: tuple[Place, ...] = ("path", "query", "header")


@dataclass(frozen=True, slots=True)
class Composed:
    """The request that a filled in form means."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


def compose(operation: Operation, values: Mapping[str, str]) -> Composed:
    """The request for what was filled in; InvalidInput names the field that is missing or wrong.

    `raw` in `values` is the body as text and wins over the fields of the body; `headers` has more
    headers, a line each.
    """
    parts = {place: _filled(operation, place, values) for place in _PLACES}
    path = PARAMETER.sub(
        lambda m: quote(str(parts["path"].get(m[1], m[0])), safe=""), operation.path
    )
    query = urlencode({name: _plain(value) for name, value in parts["query"].items()})
    body = _body(operation, values)
    typed = {"content-type": operation.media} if body and operation.media else {}
    named = {name.lower(): _one_line(name, value) for name, value in parts["header"].items()}
    headers = typed | named | _lines(values.get("headers", ""))
    return Composed(operation.method, path + (f"?{query}" if query else ""), headers, body)


def _filled(operation: Operation, place: Place, values: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in operation.fields:
        if field.place != place:
            continue
        text = values.get(field.key, "")
        if text != "":
            found[field.name] = _value(field, text)
        elif field.required and not (place == "body" and field.kind == "text"):
            raise InvalidInput(
                "field-missing", f"'{field.name}' must have a value", where=field.key
            )
        elif field.required:
            found[field.name] = ""
    return found


def _value(field: Field, text: str) -> Any:
    if field.kind in ("text", "choice"):
        return text
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _misfit(field, text) from error
    fits = {
        "integer": isinstance(found, int) and not isinstance(found, bool),
        "number": isinstance(found, int | float) and not isinstance(found, bool),
        "boolean": isinstance(found, bool),
    }
    if not fits.get(field.kind, True):
        raise _misfit(field, text)
    return found


def _misfit(field: Field, text: str) -> InvalidInput:
    wanted = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    return InvalidInput(
        "field-invalid",
        f"'{field.name}' is not {wanted.get(field.kind, 'JSON')}: {text[:60]}",
        where=field.key,
    )


def _body(operation: Operation, values: Mapping[str, str]) -> str:
    if values.get("raw", "").strip():
        return values["raw"]
    if not operation.media or operation.raw:
        return ""
    return json.dumps(_filled(operation, "body", values), ensure_ascii=False)


def _lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, separator, value = line.partition(":")
        if not line.strip():
            continue
        if not separator or not _HEADER_NAME.fullmatch(name.strip()):
            raise InvalidInput("invalid-header", f"{line[:60]!r} is not a header", where="headers")
        found[name.strip().lower()] = value.strip()
    return found


def _one_line(name: str, value: Any) -> str:
    text = _plain(value)
    if any(ord(character) < 32 for character in text):
        raise InvalidInput("invalid-header", f"'{name}' must be one line", where=f"header.{name}")
    return text


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
