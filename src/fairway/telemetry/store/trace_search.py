"""Looks into the spans of candidates for a name or attributes, window by window.

`trace_listing.py` uses it for questions that columns alone cannot answer. SQLite looks for the
very bytes that an attribute is sent as, which takes less than a microsecond a span; what it finds
is then decoded and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from fairway.telemetry.otlp.values import attributes_of, matches
from fairway.telemetry.port import TraceQuery
from fairway.telemetry.store.files import OpenSegment
from fairway.telemetry.store.schema import PLACES
from fairway.telemetry.store.summaries import COLUMNS, OpenTrace
from fairway.telemetry.store.trace_rows import cursor_of, where

MOST_EXAMINED = 40_000
"""Spans that are looked at for one page."""
_WINDOW = 2_000
"""Traces that are looked into at once."""
_MOST_NAMES = 5_000
_LONGEST_INTEGER = 20
"""Digits and sign of a 64-bit integer."""


class SpanSearch:
    """One search. `examined` grows; when there was enough, `stopped_at` is the last trace."""

    def __init__(self, query: TraceQuery) -> None:
        self._query = query
        self._patterns = [patterns(key, value) for key, value in query.attributes.items()]
        self.examined = 0
        self.stopped_at: OpenTrace | None = None

    def matching(self, segment: OpenSegment, cursor: str | None) -> Iterator[OpenTrace]:
        """Matching traces of a segment, the newest first, behind a cursor."""
        condition, params = self._condition(segment)
        while condition is not None and self.stopped_at is None:
            rows = self._window(segment, cursor)
            if not rows:
                return
            yield from self._matching(segment, rows, condition, params)
            self.examined += sum(row.spans for row in rows)
            cursor = cursor_of(rows[-1])
            if self.examined >= MOST_EXAMINED:
                self.stopped_at = rows[-1]

    def _window(self, segment: OpenSegment, cursor: str | None) -> list[OpenTrace]:
        clause, params = where(segment, replace(self._query, cursor=cursor))
        rows = segment.connection.execute(
            f"select {COLUMNS} from traces where {clause} order by start desc, trace desc limit ?",
            (*params, _WINDOW),
        )
        return [OpenTrace.of_row(row) for row in rows]

    def _condition(self, segment: OpenSegment) -> tuple[str | None, list[Any]]:
        """What a span must fulfil as a row; None if no span of the segment can."""
        parts: list[str] = ["id between ? and ?"]
        params: list[Any] = []
        sources = segment.numbers_of(self._query.service, self._query.version)
        if sources is not None:
            parts.append(_one_of("source", sources))
        if self._query.name:
            names = _names(segment, self._query.name)
            if not names:
                return None, []
            parts.append(_one_of("name", names))
        for alternatives in self._patterns:
            parts.append(f"({' or '.join('instr(span, ?)' for _ in alternatives)})")
            params += alternatives
        return " and ".join(parts), params

    def _matching(
        self, segment: OpenSegment, rows: list[OpenTrace], condition: str, params: list[Any]
    ) -> Iterator[OpenTrace]:
        sql = f"select span from spans where {condition}"
        for row in rows:
            bounds = (row.number << PLACES, (row.number + 1 << PLACES) - 1)
            spans = segment.connection.execute(sql, (*bounds, *params))
            if any(_has(message, self._query.attributes) for (message,) in spans):
                yield row


def patterns(key: str, text: str) -> list[bytes]:
    """The bytes that an attribute may be sent as: as text, or as what the text reads like.

    Fields in the order of their numbers, as every encoder writes them; the tag of the key is left
    out. Lists and maps are looked for by their key alone.
    """
    values = [AnyValue(string_value=text)]
    if text in ("true", "false"):
        values.append(AnyValue(bool_value=text == "true"))
    values += _numbers(text)
    if text[:1] in "[{" or not text:
        return [key.encode()]
    return [KeyValue(key=key, value=value).SerializeToString()[1:] for value in values]


def _numbers(text: str) -> list[AnyValue]:
    try:
        number = float(text)
    except ValueError:
        return []
    found = [AnyValue(double_value=number)]
    if len(text) <= _LONGEST_INTEGER and text.lstrip("-").isdecimal() and abs(int(text)) < 1 << 63:
        found.append(AnyValue(int_value=int(text)))
    return found


def _has(message: bytes, wanted: Mapping[str, str]) -> bool:
    return not wanted or matches(
        attributes_of(trace_pb2.Span.FromString(message).attributes), wanted
    )


def _names(segment: OpenSegment, part: str) -> list[int]:
    wanted = part.lower()
    rows = segment.connection.execute("select id, text from names")
    return [number for number, text in rows if wanted in text.lower()][:_MOST_NAMES]


def _one_of(column: str, numbers: list[int]) -> str:
    return f"{column} in ({','.join(map(str, numbers))})"
