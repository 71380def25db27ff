"""The scalar types of the app file: names, durations, sizes, relative paths.

Used by the declarations beside this module. Each type is a plain Python value (`str`, `float`
seconds, `int` bytes) with a validator and a JSON Schema pattern, so that the rest of Fairway
computes with numbers and never parses text again. A validator raises `Misfit`, which keeps what
is wrong and how to write it apart; `format_duration` and JSON dumps give back text that the same
validators accept, with exactly the same value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,30})?(ms|s|m|h|d)$"
SIZE_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,9})?(Ki|Mi|Gi|Ti|k|M|G|T)?$"
LONGEST = 3650 * 86400.0
"""The longest duration, in seconds."""
NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NAME_LENGTH = 40
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
URL_PATH_PATTERN = r"^/[^?#\s]*$"
HTTP_URL_PATTERN = r"^https?://[^\s/?#@]+(/[^\s?#]*)?(\?[^\s#]*)?$"
BASE_URL_PATTERN = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
ZONE_PATTERN = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
HOST_PATTERN = r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$"

_DURATION = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,30})?)(?P<unit>ms|s|m|h|d)\Z", re.ASCII)
_SIZE = re.compile(r"(?P<number>\d{1,15}(?:\.\d{1,9})?)(?P<unit>Ki|Mi|Gi|Ti|k|M|G|T)?\Z", re.ASCII)
_SECONDS = {
    unit: Decimal(seconds)
    for unit, seconds in {"ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400"}.items()
}
_BYTES = {
    None: 1,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


class Misfit(ValueError):
    """A value does not fit its type: `message` completes "<value> …", `remedy` says what does."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


def parse_duration(value: object) -> float:
    """`200ms`, `1.5s`, `5m`, `24h`, `30d` as seconds; raises Misfit for anything else."""
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise Misfit("is not a duration", "write a number and a unit: 200ms, 1.5s, 5m, 24h, 30d")
    seconds = float(Decimal(match["number"]) * _SECONDS[match["unit"]])
    if seconds > LONGEST:
        raise Misfit("is longer than ten years", "write a shorter time")
    return seconds


def _some_time(value: object) -> float:
    seconds = parse_duration(value)
    if seconds == 0:
        raise Misfit("is no time at all", "write more than 0")
    return seconds


def format_duration(seconds: float) -> str:
    """Seconds as the shortest text that `parse_duration` turns into the same number."""
    exact = Decimal(repr(seconds))
    for unit, factor in reversed(_SECONDS.items()):
        count = exact / factor
        if count == count.to_integral_value() and 1 <= count < 10**9:
            return f"{count:.0f}{unit}"
    return f"{exact:f}s"


def parse_size(value: object) -> int:
    """`512Mi`, `1.5Gi`, `200M` or a whole number as bytes; raises Misfit for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    match = _SIZE.match(value) if isinstance(value, str) else None
    if match is None:
        raise Misfit("is not a size", "write a number and a unit: 512Mi, 1.5Gi, 200M")
    return int(Decimal(match["number"]) * _BYTES[match["unit"]])


def _whole(value: object) -> object:
    if isinstance(value, bool | float) or (isinstance(value, str) and not _is_number(value)):
        raise Misfit("is not a whole number", "write digits only, without a unit")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and not _is_number(value)):
        raise Misfit("is not a number", "write digits, with a point for fractions: 0.25")
    return value


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text, re.ASCII) is not None


def _flag(value: object) -> object:
    # A variable's value arrives as text, so the two words are accepted as text too.
    if value in ("true", "false") or isinstance(value, bool):
        return value in ("true", True)
    raise Misfit("is neither true nor false", "write true or false")


def matching(
    pattern: str, message: str, remedy: str, longest: int | None = None
) -> Callable[..., Any]:
    """A validator for text of a form; `pattern` is the one that editors get as well."""
    compiled = re.compile(pattern.removesuffix("$") + r"\Z", re.ASCII)

    def fits(value: object) -> object:
        if not isinstance(value, str):
            raise Misfit(message, remedy)
        if compiled.match(value) is None or (longest is not None and len(value) > longest):
            raise Misfit(message, remedy)
        return value

    return fits


def _inside_the_app(value: object) -> object:
    remedy = "write a path relative to the app file's folder, like services/web, without '..'"
    if not isinstance(value, str) or not value:
        raise Misfit("is not a path inside the app's folder", remedy)
    if value.startswith("/") or ".." in value.split("/") or "\\" in value or "\0" in value:
        raise Misfit("is not a path inside the app's folder", remedy)
    return value


def _scalar_text(value: object) -> object:
    """Numbers and booleans as people wrote them; what has an inside is refused."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return str(value)
    raise Misfit("is not a single value", "write text, a number, true or false; quote it if unsure")


Name = Annotated[
    str,
    BeforeValidator(
        matching(
            NAME_PATTERN,
            "is not a name",
            f"use lower-case letters, digits and single hyphens, at most {NAME_LENGTH}: my-service",
            NAME_LENGTH,
        )
    ),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": NAME_LENGTH}),
]
"""Lower-case words joined by single hyphens: fits DNS labels, SPIFFE IDs and cloud resources."""

VariableName = Annotated[
    str,
    BeforeValidator(
        matching(
            VARIABLE_PATTERN,
            "is not the name of a variable",
            "use letters, digits and underscores, not starting with a digit: API_KEY",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": VARIABLE_PATTERN}),
]
"""The name of an environment variable or of a secret."""

_DURATION_TEXT = PlainSerializer(format_duration, return_type=str, when_used="json")
_DURATION_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": DURATION_PATTERN, "examples": ["200ms", "30s", "5m"]}
)

Duration = Annotated[float, BeforeValidator(parse_duration), _DURATION_TEXT, _DURATION_SCHEMA]
"""Seconds."""

SomeTime = Annotated[float, BeforeValidator(_some_time), _DURATION_TEXT, _DURATION_SCHEMA]
"""Seconds, more than 0: a timeout of nothing would be none, and an interval of nothing a loop."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": SIZE_PATTERN},
            ],
            "examples": ["512Mi"],
        }
    ),
]
"""Bytes."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; never a boolean, which Python would count as one."""

Number = Annotated[float, BeforeValidator(_number)]
"""A number; never a boolean."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""`true` or `false`; never 1, yes or on."""

Scalar = Annotated[
    str,
    BeforeValidator(_scalar_text),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""Text, where numbers and booleans are taken as they are written."""

InnerPath = Annotated[
    str,
    BeforeValidator(_inside_the_app),
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": r"^(?!/)(?!(.*/)?\.\.(/|$))"}),
]
"""A path relative to the app file's folder, and inside it."""

UrlPath = Annotated[
    str,
    BeforeValidator(
        matching(
            URL_PATH_PATTERN,
            "is not a URL path",
            "start with '/' and leave out '?', '#' and spaces: /health",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": URL_PATH_PATTERN}),
]
"""An absolute URL path without query."""

Host = Annotated[
    str,
    BeforeValidator(
        matching(
            HOST_PATTERN,
            "is not a host name",
            "use lower-case labels joined by dots, '*.' in front for any: shop.example.com",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": HOST_PATTERN}),
]
"""A DNS name, or `*.` and one for every name below it."""

HttpUrl = Annotated[
    str,
    BeforeValidator(
        matching(
            HTTP_URL_PATTERN,
            "is not an http(s) address",
            "write scheme, host and path, without a user or '#': https://example.com/api?key=1",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": HTTP_URL_PATTERN}),
]
"""An http(s) address without user and fragment."""

BaseUrl = Annotated[
    str,
    BeforeValidator(
        matching(
            BASE_URL_PATTERN,
            "is not the http(s) address of a server",
            "write scheme and host, and a path if need be: https://shop.example.com",
        )
    ),
    WithJsonSchema({"type": "string", "pattern": BASE_URL_PATTERN}),
]
"""An http(s) address below which there are others: neither query nor fragment."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

TimeOfDay = Annotated[
    str,
    BeforeValidator(
        matching(TIME_PATTERN, "is not a time of day", 'write hours and minutes: "09:00"')
    ),
    WithJsonSchema({"type": "string", "pattern": TIME_PATTERN}),
]
"""`09:00`, of 24 hours."""

Zone = Annotated[
    str,
    BeforeValidator(
        matching(ZONE_PATTERN, "is not a time zone", "write one of the IANA names: Europe/Berlin")
    ),
    WithJsonSchema({"type": "string", "pattern": ZONE_PATTERN}),
]
"""An IANA name: `Europe/Berlin`."""
