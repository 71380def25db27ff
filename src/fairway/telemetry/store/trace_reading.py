"""Answers about one trace: all its spans, decoded, from whichever segments they lie in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from opentelemetry.proto.trace.v1 import trace_pb2

from fairway.errors import InvalidInput, NotFound
from fairway.telemetry.otlp.spans import Kept, span_of
from fairway.telemetry.port import Attributes, Span, Trace
from fairway.telemetry.store.files import Files, OpenSegment
from fairway.telemetry.store.schema import PLACES
from fairway.telemetry.store.summaries import COLUMNS, OpenTrace
from fairway.telemetry.store.trace_rows import Found, summary_of, united
from fairway.telemetry.tree import in_order

MOST_SPANS = 20_000
"""Spans of a trace that are given: a program that never ends its trace must not fill memory."""
_SHORTEST = 4
"""Digits of an id that must be given at least."""


def whole(files: Files, trace_id: str) -> Trace:
    """One trace, by its id or the beginning of it."""
    low, high = _range(trace_id)
    parts: list[Found] = []
    spans: dict[str, Span] = {}
    for segment in files.each():
        for row in _between(segment, low, high):
            parts.append(Found(row, summary_of(segment, row)))
            for span in islice(_spans(segment, row), max(0, MOST_SPANS - len(spans))):
                spans.setdefault(span.span_id, span)
    _one_only(trace_id, {part.row.trace for part in parts})
    return Trace(united(parts), in_order(spans.values()))


def _one_only(asked: str, found: set[bytes]) -> None:
    if not found:
        raise NotFound(
            "trace-unknown",
            f"no trace {asked} is stored",
            remedy="see which there are with fairway traces; old ones are thinned out",
        )
    if len(found) > 1:
        raise InvalidInput(
            "trace-id-ambiguous", f"several traces begin with {asked}", remedy="give more of the id"
        )


def _between(segment: OpenSegment, low: bytes, high: bytes) -> list[OpenTrace]:
    """At most two: more than one is an error anyway."""
    rows = segment.connection.execute(
        f"select {COLUMNS} from traces where trace between ? and ? limit 2",
        (low, high),
    )
    return [OpenTrace.of_row(row) for row in rows]


def _spans(segment: OpenSegment, row: OpenTrace) -> Iterator[Span]:
    rows = segment.connection.execute(
        "select source, n.text, s.text, span from spans"
        " join names n on n.id = spans.name join names s on s.id = spans.scope"
        " where spans.id between ? and ?",
        (row.number << PLACES, (row.number + 1 << PLACES) - 1),
    )
    resources: dict[int, Attributes] = {}
    for number, name, scope, message in rows:
        source = segment.sources[number]
        if number not in resources:
            resources[number] = source.attributes()
        kept = Kept(row.trace, name, scope, source.origin, resources[number])
        yield span_of(trace_pb2.Span.FromString(message), kept)


def _range(trace_id: str) -> tuple[bytes, bytes]:
    """The first and the last id that begin like this."""
    text = trace_id.strip().lower()
    if not _SHORTEST <= len(text) <= 32 or set(text) - set("0123456789abcdef"):
        raise InvalidInput(
            "trace-id-malformed",
            f"{trace_id!r} is no trace id",
            remedy=f"give 32 hexadecimal digits, or at least the first {_SHORTEST}",
        )
    return bytes.fromhex(text.ljust(32, "0")), bytes.fromhex(text.ljust(32, "f"))
