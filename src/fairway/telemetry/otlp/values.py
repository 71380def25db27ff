"""Attributes and ids of OTLP as plain values, and those as JSON text and back.

Called by the writer of the store (resources, log records, data points) and by its reader (spans,
which are decoded only when somebody looks at them). Bytes become base64 text, as in OTLP/JSON.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from fairway.telemetry.port import Attributes, Value

_DEEPEST = 32
"""Levels of lists and maps within one another; what is deeper is left out."""


def value_of(any_value: AnyValue, depth: int = 0) -> Value:
    """The plain value that an AnyValue holds; None for an empty one."""
    kind = any_value.WhichOneof("value")
    match kind:
        case "string_value" | "int_value" | "bool_value":
            plain: Value = getattr(any_value, kind)
            return plain
        case "double_value":
            return finite(any_value.double_value)
        case "bytes_value":
            return base64.b64encode(any_value.bytes_value).decode()
        case "array_value" if depth < _DEEPEST:
            return tuple(value_of(item, depth + 1) for item in any_value.array_value.values)
        case "kvlist_value" if depth < _DEEPEST:
            return attributes_of(any_value.kvlist_value.values, depth + 1)
        case _:
            return None


def finite(number: float) -> Value:
    """A number that JSON has; else its name, as OTLP/JSON writes it."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def attributes_of(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Value]:
    """Attributes by key; of a key that is there twice the last one counts."""
    return {pair.key: value_of(pair.value, depth) for pair in pairs}


def text_of(value: Value) -> str:
    """How a value is compared with what a person typed: `true`, `200`, text as it is."""
    return value if isinstance(value, str) else json_of(value)


def json_of(value: Value | Attributes) -> str:
    """As compact JSON text with sorted keys: equal values give equal text."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def attributes_from_json(text: str) -> dict[str, Value]:
    """What `json_of` gave for attributes."""
    found: Mapping[str, Any] = json.loads(text, parse_constant=str) if text else {}
    return {key: _frozen(value) for key, value in found.items()}


def matches(attributes: Attributes, wanted: Mapping[str, str]) -> bool:
    """True if every wanted key is there with that value, compared as text."""
    return all(key in attributes and text_of(attributes[key]) == wanted[key] for key in wanted)


def _frozen(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    plain: Value = value
    return plain
