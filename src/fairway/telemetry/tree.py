"""Spans of a trace in the order in which they are shown. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fairway.telemetry.port import Span


def in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Parents before children, siblings by start. A span whose parent is not there is a root.

    Of spans that are one another's parents (nothing prevents a program from sending such) the
    earliest is taken as a root, so that every span appears exactly once.
    """
    by_start = sorted(spans, key=lambda span: (span.started_at, -span.duration, span.span_id))
    ids = {span.span_id for span in by_start}
    children: dict[str, list[Span]] = defaultdict(list)
    roots: list[Span] = []
    for span in by_start:
        orphan = span.parent_id not in ids or span.parent_id == span.span_id
        (roots if orphan else children[span.parent_id]).append(span)
    ordered: dict[str, Span] = {}
    for root in [*roots, *by_start]:
        _append(root, children, ordered)
    return tuple(ordered.values())


def _append(root: Span, children: dict[str, list[Span]], ordered: dict[str, Span]) -> None:
    waiting = [root]
    while waiting:
        span = waiting.pop()
        if span.span_id not in ordered:
            ordered[span.span_id] = span
            waiting.extend(reversed(children[span.span_id]))
