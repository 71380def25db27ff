"""How log records read in a list, and in which order.

The pages of logs, services, traces and the overview use it. Ids follow the order in which records
were received, and two replicas are read one after the other: what people see is put in the order of
its times, while pages and streams go on by id. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairway.telemetry.otlp.values import text_of
from fairway.telemetry.port import LogRecord

_INLINE = 6
"""Properties that stand behind a record's text before it is opened."""
_COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_REQUEST = "request"
"""The whole text of a request line of the runtime library; what was asked is in its attributes."""


def in_time(records: Iterable[LogRecord]) -> tuple[LogRecord, ...]:
    """The oldest first; those of the same time as they were received."""
    return tuple(sorted(records, key=lambda record: record.at))


def said(record: LogRecord) -> str:
    """What it says, without the colours it had in a terminal: `request POST dispatch 503`."""
    text = _COLOUR_CODES.sub("", record.text)
    told = (text_of(record.attributes[name])[:120] for name in _told(record))
    return " ".join((text, *told))


def also(record: LogRecord) -> str:
    """Its first properties that are not said yet, short."""
    told = _told(record)
    pairs = [pair for pair in record.attributes.items() if pair[0] not in told][:_INLINE]
    return "  ".join(f"{name}={text_of(value)[:60]}" for name, value in pairs)


def _told(record: LogRecord) -> tuple[str, ...]:
    """The attributes that are told as part of the text: those of a request line."""
    known = record.attributes
    if record.text != _REQUEST or "status" not in known:
        return ()
    what = "intent" if known.get("intent") else "path"
    return tuple(name for name in ("method", what, "status") if name in known)
