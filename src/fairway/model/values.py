"""The scalar types of the app file: names, durations, sizes, relative paths.

Each is a plain Python value (`str`, `float` seconds, `int` bytes) with a validator and a JSON
Schema pattern, so that the rest of Fairway computes with numbers and never parses text again.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>Ki|Mi|Gi|Ti|k|M|G|T)?\Z")
_BYTES = {
    None: 1,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


def parse_duration(value: object) -> float:
    """`200ms`, `1.5s`, `5m`, `24h`, `30d` as seconds; raises ValueError for anything else."""
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a duration; write a number and a unit: 200ms, 1.5s, 5m, 24h, 30d")
    return float(match["number"]) * _SECONDS[match["unit"]]


def parse_size(value: object) -> int:
    """`512Mi`, `1.5Gi`, `200M` or a whole number as bytes; raises ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a size; write a number and a unit: 512Mi, 1.5Gi, 200M")
    return int(float(match["number"]) * _BYTES[match["unit"]])


def _inside_the_app(value: str) -> str:
    parts = value.split("/")
    if value.startswith("/") or ".." in parts or "\\" in value or "\0" in value:
        raise ValueError("must be a path inside the app's folder, without '..' or a leading '/'")
    return value


def _schema(**keywords: Any) -> WithJsonSchema:
    return WithJsonSchema(keywords)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
"""Lower-case words joined by single hyphens: fits DNS labels, SPIFFE IDs and cloud resources."""

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of an environment variable or of a secret."""

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    _schema(type="string", pattern=r"^\d+(\.\d+)?(ms|s|m|h|d)$", examples=["200ms", "30s", "5m"]),
]
"""Seconds."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    _schema(
        anyOf=[
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"},
        ],
        examples=["512Mi"],
    ),
]
"""Bytes."""

InnerPath = Annotated[str, StringConstraints(min_length=1), AfterValidator(_inside_the_app)]
"""A path relative to the app file's folder, and inside it."""

UrlPath = Annotated[str, StringConstraints(pattern=r"^/[^?#\s]*$")]
"""An absolute URL path without query."""
