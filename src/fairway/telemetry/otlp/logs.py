"""Log records of OTLP as rows of the store."""

from __future__ import annotations

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from fairway.telemetry.otlp.values import attributes_of, text_of, value_of
from fairway.telemetry.port import LOG_LEVELS, LogLevel, Value

_BY_TEXT = {"trace": 0, "debug": 0, "info": 1, "warn": 2, "warning": 2, "error": 3, "fatal": 3}
CORRELATION = ("correlation_id", "fairway.correlation_id", "correlation.id")
"""Attributes that hold the correlation id of a request."""


def level_of(record: LogRecord) -> int:
    """Its place in `LOG_LEVELS`, by the ranges of the specification (1-8, 9-12, 13-16, 17-24)."""
    number = record.severity_number
    if number <= 0:
        return _BY_TEXT.get(record.severity_text.lower(), 1)
    return 0 if number <= 8 else 1 if number <= 12 else 2 if number <= 16 else 3


def level_number(level: LogLevel) -> int:
    """The same of a level by name."""
    return LOG_LEVELS.index(level)


def text_and_attributes(record: LogRecord) -> tuple[str, dict[str, Value]]:
    """What a record says. A body of several parts is its JSON; an event without one, its name."""
    attributes = attributes_of(record.attributes)
    if record.event_name:
        attributes["event.name"] = record.event_name
    body = value_of(record.body)
    return (record.event_name if body is None else text_of(body)), attributes


def correlation_of(attributes: dict[str, Value]) -> str | None:
    """The correlation id that a record carries, if any."""
    for key in CORRELATION:
        if attributes.get(key):
            return text_of(attributes[key])
    return None
