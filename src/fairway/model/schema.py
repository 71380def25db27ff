"""The JSON Schema (2020-12) of the app file, from which editors complete and check.

Called by `fairway schema` and the tests. Derived from the declarations, so it cannot fall behind
them; here it gains what those do not say: `extends`, `${VAR}` in the place of any value, and
overrides, which are services of which nothing is required. What it accepts may still be refused
by the checks of `load`, which see names and numbers together.
"""

from __future__ import annotations

from typing import Any

from fairway.model.app import App
from fairway.model.values import DURATION_PATTERN, NAME_LENGTH, NAME_PATTERN, format_duration

Schema = dict[str, Any]

SCHEMA_ID = "urn:fairway:schema:app-file:1"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = "Variable"
_REFERENCE = "#/$defs/"
_OVERRIDE = "Override"
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def app_file_schema() -> Schema:
    """The schema as a JSON-able mapping; equal on every call, and the caller's to change."""
    derived = App.model_json_schema()
    definitions: Schema = {
        name: _finished(definition) for name, definition in derived.pop("$defs").items()
    }
    app = _finished(derived)
    definitions |= _override_definitions(definitions)
    definitions["Environment"]["properties"]["overrides"]["additionalProperties"] = {
        "$ref": f"{_REFERENCE}Service{_OVERRIDE}"
    }
    definitions[_VARIABLE] = _variable()
    return {
        "$schema": _DIALECT,
        "$id": SCHEMA_ID,
        "title": "Fairway app file",
        "description": "What runs, who may call whom, and where it is deployed to.",
        "type": "object",
        "properties": {"extends": _extends(), **app["properties"]},
        "additionalProperties": False,
        # A file that extends another may leave to it what is required.
        "anyOf": [{"required": app["required"]}, {"required": ["extends"]}],
        "$defs": dict(sorted(definitions.items())),
    }


def _extends() -> Schema:
    file = {"type": "string", "minLength": 1}
    return {
        "description": "files that this one is laid over, relative to it; later ones win",
        "anyOf": [file, {"type": "array", "items": file}],
    }


def _variable() -> Schema:
    return {
        "description": "a value that the environment or a .env file fills in",
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\}",
        "examples": ["${PORT:-8080}"],
    }


def _finished(schema: Schema) -> Schema:
    """`schema` of a declaration with what Pydantic leaves out, at every depth."""
    finished: Schema = {}
    for key, value in schema.items():
        match key:
            case "title" if isinstance(value, str):
                continue  # Pydantic repeats the key's name, which editors show already
            case "properties":
                finished[key] = {name: _finished(below) for name, below in value.items()}
            case "patternProperties":
                # Pydantic lets other names pass; in an app file they are wrong.
                ((pattern, below),) = value.items()
                length = {"maxLength": NAME_LENGTH} if pattern == NAME_PATTERN else {}
                finished["propertyNames"] = {"pattern": pattern, **length}
                finished["additionalProperties"] = _finished(below)
            case "propertyNames":
                continue
            case "additionalProperties" | "items" if isinstance(value, dict):
                finished[key] = _finished(value)
            case "anyOf":
                finished[key] = _choices([_finished(choice) for choice in value])
            case _:
                finished[_BOUNDS.get(key, key)] = value
    return _or_variable(_readable_default(finished))


def _choices(choices: list[Schema]) -> list[Schema]:
    """Choices that are nothing but choices themselves are taken one level up."""
    return [
        inner
        for choice in choices
        for inner in (choice["anyOf"] if choice.keys() == {"anyOf"} else [choice])
    ]


def _readable_default(schema: Schema) -> Schema:
    default = schema.get("default")
    if schema.get("pattern") == DURATION_PATTERN and isinstance(default, int | float):
        return {**schema, "default": format_duration(default)}
    if default is None or isinstance(default, dict):
        # No default, or one made of its parts' defaults, which stand at the parts.
        return {key: value for key, value in schema.items() if key != "default"}
    return schema


def _or_variable(schema: Schema) -> Schema:
    """A value with an inside, or free text, is given back; else `${VAR}` may stand for it."""
    kind = schema.get("type")
    if kind not in ("integer", "number", "boolean", "string"):
        return schema
    if kind == "string" and not ({"pattern", "enum"} & schema.keys()):
        return schema
    outer: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in outer}
    return {**outer, "anyOf": [inner, {"$ref": f"{_REFERENCE}{_VARIABLE}"}]}


def _override_definitions(definitions: Schema) -> Schema:
    """Copies of the parts of a service in which nothing is required: the rest is below them."""
    names = _reachable("Service", definitions)
    return {f"{name}{_OVERRIDE}": _loosened(definitions[name]) for name in names}


def _reachable(name: str, definitions: Schema) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found and current != _VARIABLE:
            found.add(current)
            waiting += _references(definitions[current])
    return found


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, dict):
        return []
    below = [name for value in schema.values() for name in _references(value)]
    own = schema.get("$ref")
    return [*below, own.removeprefix(_REFERENCE)] if isinstance(own, str) else below


def _loosened(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_loosened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    variable = f"{_REFERENCE}{_VARIABLE}"
    return {
        key: f"{value}{_OVERRIDE}" if key == "$ref" and value != variable else _loosened(value)
        for key, value in schema.items()
        if key not in ("required", "default")
    }
