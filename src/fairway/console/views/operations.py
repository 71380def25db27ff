"""What one may ask of a service, as forms: read from its OpenAPI document or its intents. Pure.

The API explorer shows an `Operation` as a form; `composing` turns what was filled in into a
request. The document comes from the service and is not trusted: whatever is malformed in it is left
out, loops of `$ref` end, and there is a limit to how much is shown. Reads OpenAPI 3.0 and 3.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

Place = Literal["path", "query", "header", "body"]
FieldKind = Literal["text", "integer", "number", "boolean", "choice", "json"]
Json = Mapping[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_PLACES: tuple[Place, ...] = ("path", "query", "header")
_MOST_OPERATIONS = 300
_MOST_FIELDS = 60
_MOST_CHOICES = 100
_DEEPEST = 6
"""Levels of a schema that an example shows, and of references that are followed."""
PARAMETER = re.compile(r"\{([^{}/]+)\}")
"""A parameter in a path."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form. `sample` is what is filled in at first; `hint` is shown beside it."""

    place: Place
    name: str
    kind: FieldKind
    required: bool = False
    sample: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the input is called in the form."""
        return f"{self.place}.{self.name}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `raw` says that the body is text of `media`, not a form's fields."""

    method: str
    path: str
    summary: str = ""
    fields: tuple[Field, ...] = ()
    media: str = ""
    raw: bool = False
    sample: str = ""
    intent: str = ""

    @property
    def key(self) -> str:
        """What names it in a URL."""
        return f"{self.method} {self.path}"


def operations_of(
    document: object, intents: Sequence[tuple[str, str, str]]
) -> tuple[Operation, ...]:
    """The operations of an OpenAPI document, and the declared `intents` that it does not describe.

    An intent is its name, method and path. Without a document the intents are all there is: each
    has its path's parameters as fields and a body that is written by hand.
    """
    named = {(method, path): name for name, method, path in intents}
    described = [
        replace(found, intent=named.get((found.method, found.path), ""))
        for found in _described(_mapping(document))
    ]
    known = {(each.method, each.path) for each in described}
    bare = [_bare(*each) for each in intents if each[1:] not in known]
    return (*bare, *described)


# Reading a document


def _described(document: Json) -> Iterator[Operation]:
    count = 0
    for path, item in _mapping(document.get("paths")).items():
        shared = _resolved(item, document)
        for method in _METHODS:
            told = shared.get(method)
            if not isinstance(told, Mapping) or not str(path).startswith("/"):
                continue
            yield _operation(method.upper(), str(path), told, shared, document)
            count += 1
            if count >= _MOST_OPERATIONS:
                return


def _operation(method: str, path: str, told: Json, shared: Json, document: Json) -> Operation:
    parameters = _parameters(told, shared, document)
    missing = [name for name in PARAMETER.findall(path) if ("path", name) not in parameters]
    fields = [
        *parameters.values(),
        *(Field("path", name, "text", required=True) for name in missing),
    ]
    body = _resolved(told.get("requestBody"), document)
    media, schema, sample = _content(body, document)
    written = _body_fields(schema, document)
    return Operation(
        method,
        path,
        summary=_line(told.get("summary") or told.get("description")),
        fields=(*fields, *written)[:_MOST_FIELDS],
        media=media,
        raw=bool(media) and not written,
        sample=sample,
    )


def _parameters(told: Json, shared: Json, document: Json) -> dict[tuple[str, str], Field]:
    """By place and name: those of the operation replace those of its path."""
    found: dict[tuple[str, str], Field] = {}
    for each in (*_sequence(shared.get("parameters")), *_sequence(told.get("parameters"))):
        one = _resolved(each, document)
        name, place = one.get("name"), one.get("in")
        if isinstance(name, str) and place in _PLACES:
            schema = _resolved(one.get("schema"), document)
            told_sample = {"example": one["example"]} if "example" in one else {}
            described = {"description": one.get("description", ""), **schema, **told_sample}
            required = place == "path" or one.get("required") is True
            found[place, name] = _field(place, name, described, document, required=required)
    return found


def _content(body: Json, document: Json) -> tuple[str, Json, str]:
    """The media type to send, its schema, and an example of a whole body."""
    content = _mapping(body.get("content"))
    if not content:
        return "", {}, ""
    media = next((each for each in content if "json" in str(each)), next(iter(content)))
    told = _mapping(content[media])
    schema = _resolved(told.get("schema"), document)
    if "json" not in media:
        return str(media), {}, ""
    whole = told.get("example", _example(schema, document))
    return str(media), schema, json.dumps(whole, indent=2, ensure_ascii=False)


def _body_fields(schema: Json, document: Json) -> tuple[Field, ...]:
    properties = _mapping(schema.get("properties"))
    required = _sequence(schema.get("required"))
    return tuple(
        _field("body", str(name), _resolved(each, document), document, required=name in required)
        for name, each in properties.items()
    )


def _field(place: Place, name: str, schema: Json, document: Json, *, required: bool) -> Field:
    kind, choices = _kind(schema)
    wanted = required or "default" in schema or "example" in schema
    sample = _example(schema, document) if wanted else None
    hint = _line(schema.get("description"))
    return Field(place, name, kind, required, _text(sample, kind), hint, choices)


def _kind(schema: Json) -> tuple[FieldKind, tuple[str, ...]]:
    options = [each for each in _sequence(schema.get("enum")) if isinstance(each, str)]
    if options:
        return "choice", tuple(options[:_MOST_CHOICES])
    match _type(schema):
        case "integer" | "number" | "boolean" as kind:
            return cast(FieldKind, kind), ()
        case "string":
            return "text", ()
        case _:
            return "json", ()


def _type(schema: Json) -> str:
    """The one type that a value has; of a nullable value the one beside null; else empty."""
    told = schema.get("type")
    if isinstance(told, list):
        return next((each for each in told if isinstance(each, str) and each != "null"), "")
    if isinstance(told, str):
        return told
    for each in _sequence(schema.get("anyOf")) or _sequence(schema.get("oneOf")):
        if isinstance(each, Mapping) and each.get("type") not in (None, "null"):
            return _type(each)
    return "object" if "properties" in schema else ""


def _example(schema: Json, document: Json, depth: int = 0) -> Any:
    """A value that fits, taken from what the document offers: example, default, first choice."""
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if listed := _sequence(schema.get(key)):
            return listed[0]
    if depth >= _DEEPEST:
        return None
    return _made_up(schema, document, depth + 1)


def _made_up(schema: Json, document: Json, depth: int) -> Any:
    match _type(schema):
        case "object":
            properties = _mapping(schema.get("properties"))
            return {
                str(name): _example(_resolved(each, document), document, depth)
                for name, each in list(properties.items())[:_MOST_FIELDS]
            }
        case "array":
            item = _resolved(schema.get("items"), document)
            return [_example(item, document, depth)] if item else []
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "string":
            return ""
        case _:
            return None


def _resolved(value: object, document: Json) -> Json:
    """What a `$ref` within the document points to; parts of `allOf` joined."""
    for _ in range(_DEEPEST):
        reference = _mapping(value).get("$ref")
        if not isinstance(reference, str):
            break
        value = _pointed(reference, document)
    found = _mapping(value)
    parts = _sequence(found.get("allOf"))
    if not parts or any(value is each for each in parts):
        return found
    return _joined(found, parts, document)


def _joined(found: Json, parts: Sequence[Any], document: Json) -> Json:
    joined: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[Any] = []
    for part in (*parts[:_DEEPEST], {k: v for k, v in found.items() if k != "allOf"}):
        reference = _mapping(part).get("$ref")
        one = _mapping(_pointed(reference, document) if isinstance(reference, str) else part)
        joined |= one
        properties |= _mapping(one.get("properties"))
        required += _sequence(one.get("required"))
    return joined | ({"properties": properties, "required": required} if properties else {})


def _pointed(reference: str, document: Json) -> object:
    if not reference.startswith("#/"):
        return {}
    at: object = document
    for part in reference[2:].split("/"):
        at = _mapping(at).get(part.replace("~1", "/").replace("~0", "~"))
    return at


def _bare(name: str, method: str, path: str) -> Operation:
    fields = tuple(Field("path", each, "text", required=True) for each in PARAMETER.findall(path))
    writes = method in ("POST", "PUT", "PATCH")
    media = "application/json" if writes else ""
    return Operation(method, path, "", fields, media, writes, "{}" if writes else "", name)


def _text(value: Any, kind: FieldKind) -> str:
    if value is None:
        return ""
    if kind in ("text", "choice") and isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _line(value: object) -> str:
    return value.strip().partition("\n")[0][:200] if isinstance(value, str) else ""


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
