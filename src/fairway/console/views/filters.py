"""What the addresses of the log and trace pages ask for, and how a click asks for more.

Pure: address in, query of the telemetry port out. A property of a record (`status=503`) is the
parameter `attr`, given as often as wanted. Guarantees: what makes no sense raises InvalidInput that
names the parameter, and whatever a service wrote can be asked for by the link that is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args
from urllib.parse import unquote

from fairway.console.views.links import Address
from fairway.console.views.timerange import moment_of, parse_length
from fairway.errors import InvalidInput
from fairway.telemetry.otlp.values import text_of
from fairway.telemetry.port import (
    LOG_LEVELS,
    Attributes,
    LogLevel,
    LogQuery,
    LogRecord,
    TraceOutcome,
    TraceQuery,
)

OUTCOMES: tuple[TraceOutcome, ...] = get_args(TraceOutcome)
_OWN_FILTER = frozenset({"correlation_id"})
"""Properties that have a parameter of their own."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is in force: what it says, and where one is without it."""

    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Property:
    """A property of something that was recorded; `href` keeps only what has it too."""

    name: str
    text: str
    href: str
    active: bool


def log_query(address: Address, now: float, *, limit: int, after: int | None = None) -> LogQuery:
    """Which records an address asks for."""
    since, until = _times(address, now)
    asked = address.get("level")
    level: LogLevel = next((each for each in LOG_LEVELS if each == asked), "debug")
    return LogQuery(
        since=since,
        until=until,
        services=address.all("service"),
        version=address.get("version") or None,
        level=level,
        text=address.get("text"),
        trace_id=address.get("trace_id").lower(),
        correlation_id=address.get("correlation_id"),
        attributes=wanted_attributes(address),
        access=address.get("access") == "1",
        run=number_of(address, "run"),
        after=after,
        before=None if after is not None else number_of(address, "before"),
        limit=limit,
    )


def trace_query(address: Address, now: float, *, limit: int) -> TraceQuery:
    """Which traces an address asks for."""
    since, until = _times(address, now)
    return TraceQuery(
        since=since,
        until=until,
        service=address.get("service") or None,
        version=address.get("version") or None,
        outcome=next((each for each in OUTCOMES if each == address.get("outcome")), None),
        min_duration=_seconds(address, "min_duration"),
        max_duration=_seconds(address, "max_duration"),
        name=address.get("name"),
        attributes=wanted_attributes(address),
        run=number_of(address, "run"),
        limit=limit,
        cursor=address.get("cursor") or None,
    )


def chips(address: Address, *names: str) -> tuple[Chip, ...]:
    """The filters of these names that are in force and have no field of the form."""
    fresh = address.having(cursor=None, before=None)
    return tuple(
        Chip(_chip_text(name, value), str(fresh.minus(name, value)))
        for name, value in address.pairs
        if name in names
    )


def properties(address: Address, attributes: Attributes) -> tuple[Property, ...]:
    """Attributes by name, each with the link that filters by it (or, if it does, no longer)."""
    fresh = address.having(cursor=None, before=None)
    found = []
    for name in sorted(attributes):
        text = text_of(attributes[name])
        parameter = name if name in _OWN_FILTER else "attr"
        value = text if name in _OWN_FILTER else attribute_filter(name, text)
        active = (parameter, value) in fresh.pairs
        found.append(Property(name, text, str(fresh.toggled(parameter, value)), active))
    return tuple(found)


def record_properties(address: Address, record: LogRecord) -> tuple[Property, ...]:
    """The same for a log record, with what every record has."""
    fresh = address.having(before=None)
    own = {
        "service": record.service,
        "version": record.version,
        "level": record.level,
        "trace_id": record.trace_id,
    }
    standing = tuple(
        Property(name, text, str(fresh.having(**{name: text})), (name, text) in fresh.pairs)
        for name, text in own.items()
        if text
    )
    return standing + properties(address, record.attributes)


def wanted_attributes(address: Address) -> Mapping[str, str]:
    """The properties that must have a value, from `attr=name=value`."""
    found = {}
    for pair in address.all("attr"):
        name, separator, value = pair.partition("=")
        if not separator:
            raise InvalidInput(
                "unknown-filter",
                f"`{pair}` is no filter on a property",
                where="attr",
                remedy="write name=value, like http.response.status_code=503",
            )
        found[unquote(name)] = value
    return found


def attribute_filter(name: str, text: str) -> str:
    """The value of `attr` for a property; what would be mistaken in its name is encoded."""
    return f"{name.replace('%', '%25').replace('=', '%3D')}={text}"


def number_of(address: Address, name: str) -> int | None:
    """A parameter that is a whole number, None without it."""
    text = address.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidInput("not-a-number", f"`{text}` is no number", where=name)
    return int(text)


def _times(address: Address, now: float) -> tuple[float | None, float | None]:
    """Without any parameter all of time, which the store is asked for page by page."""
    since, until = address.get("since"), address.get("until")
    return (
        moment_of(since, now) if since else None,
        moment_of(until, now) if until else None,
    )


def _chip_text(name: str, value: str) -> str:
    if name != "attr":
        return f"{name}={value}"
    attribute, separator, text = value.partition("=")
    return unquote(attribute) + separator + text


def _seconds(address: Address, name: str) -> float | None:
    text = address.get(name)
    return parse_length(text, name) if text else None
