"""Traces as text: a list, and one as a waterfall. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fairway.cli.output import Painter, inert, table
from fairway.telemetry.port import Span, Trace, TracePage, TraceSummary

_COLOURS = {"ok": "green", "error": "red", "denied": "yellow"}
_SAID = (
    ("fairway.decision", "{}"),
    ("fairway.policies", "by {}"),
    ("fairway.cohort", "cohort {}"),
    ("fairway.breaker", "breaker {}"),
)
_STATUS = ("http.response.status_code", "http.status_code")
"""As OpenTelemetry names it now, and as Envoy and older SDKs do."""
_MOST = 500
"""What `fairway traces -n` takes."""
_UNREMARKABLE = ("", "-", "via_upstream", "None")


def took(seconds: float) -> str:
    """A duration with three digits or so: `0.4ms`, `12.5ms`, `3.21s`."""
    if seconds < 1:
        return f"{seconds * 1000:.1f}ms"
    return f"{seconds:.2f}s"


def trace_row(found: TraceSummary) -> list[str]:
    """One line of the list."""
    at = datetime.fromtimestamp(found.started_at, UTC).astimezone()
    return [
        at.strftime("%H:%M:%S.%f")[:-3],
        found.trace_id[:12],
        inert(f"{found.service} {found.name}"),
        took(found.duration),
        str(found.spans),
        found.outcome,
        inert(", ".join(found.services)),
    ]


HEADERS = ["TIME", "TRACE", "WHAT", "TOOK", "SPANS", "OUTCOME", "SERVICES"]
OUTCOME = 5


def trace_table(found: Sequence[TraceSummary], paint: Painter) -> str:
    """The newest last, as in a log."""
    rows = [trace_row(each) for each in reversed(found)]
    widths = [max(len(row[i]) for row in [HEADERS, *rows]) for i in range(len(HEADERS))]
    lines = [paint.dim(table(HEADERS, rows, Painter(colourful=False)).splitlines()[0])]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[OUTCOME] = paint.paint(cells[OUTCOME], _COLOURS[row[OUTCOME]])
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def what_is_left(page: TracePage) -> str:
    """That there are more than the page has, how many, and how to get them; else empty."""
    if page.cursor is None or not page.traces:
        return ""
    shown = len(page.traces)
    counted = sum(bucket.count for bucket in page.durations)
    left = f"{counted - shown} more match" if counted > shown else "there may be more"
    if page.durations_since is not None and counted > shown:
        left = f"at least {left}"
    oldest = datetime.fromtimestamp(page.traces[-1].started_at + 1, UTC).astimezone()
    older = f"--until {oldest.isoformat(timespec='seconds')}"
    if shown >= _MOST:
        return f"{left}: {older}"
    wanted = min(counted, _MOST) if counted > shown else min(shown * 10, _MOST)
    return f"{left}: -n {wanted}, or {older}"


def waterfall(trace: Trace, paint: Painter, width: int) -> str:
    """One line for each span: where it stands, who, what, how long, and what was decided."""
    whole = trace.summary
    what = inert(f"{whole.service} {whole.name}")
    head = (
        f"{paint.bold(whole.trace_id)}  {what}  {took(whole.duration)}  "
        f"{paint.paint(whole.outcome, _COLOURS[whole.outcome])}"
    )
    depths = _depths(trace.spans)
    names = [f"{'  ' * depth}{inert(f'{_who(span)} {span.name}')}" for span, depth in depths]
    longest = min(max(map(len, names), default=0), 48)
    room = max(width - longest - 12, 10)
    begin = min((span.started_at for span in trace.spans), default=0.0)
    end = max((span.started_at + span.duration for span in trace.spans), default=0.0)
    lines = [head, ""]
    for (span, depth), name in zip(depths, names, strict=True):
        bar = _bar(span, begin, end - begin, room)
        colour = "red" if span.status == "error" else ("dim" if span.sidecar else "cyan")
        lines.append(
            f"{name[:longest].ljust(longest)} {took(span.duration).rjust(8)} "
            f"{paint.paint(bar, colour)}".rstrip()
        )
        words = _words(span, failed=whole.outcome != "ok")
        lines += [paint.dim(f"{'  ' * depth}  {words}")] if words else []
    return "\n".join(lines)


def _depths(spans: Sequence[Span]) -> list[tuple[Span, int]]:
    depths: dict[str, int] = {}
    for span in spans:  # parents come before children
        depths[span.span_id] = depths.get(span.parent_id, -1) + 1
    return [(span, depths[span.span_id]) for span in spans]


def _who(span: Span) -> str:
    return f"{span.service} (envoy)" if span.sidecar else span.service


def _bar(span: Span, begin: float, total: float, room: int) -> str:
    if total <= 0:
        return "█"
    start = min(round((span.started_at - begin) / total * room), room - 1)
    length = max(round(span.duration / total * room), 1)
    return " " * start + "█" * min(length, room - start)


def _words(span: Span, failed: bool) -> str:
    said = [*_answered(span, failed), *_said(span), *_wrong(span)]
    return inert("; ".join(dict.fromkeys(said)))


def _answered(span: Span, failed: bool) -> Iterator[str]:
    """The HTTP status: of every hop where the request failed, else only what is no success."""
    status = next((str(span.attributes[name]) for name in _STATUS if name in span.attributes), "")
    if status.isdecimal() and (failed or (len(status) == 3 and status >= "400")):
        yield f"HTTP {status}" if status != "0" else "no answer"


def _wrong(span: Span) -> Iterator[str]:
    """What went wrong, as the span says it: in its status, by an exception, or only by its kind."""
    if span.message:
        yield span.message
    thrown = [each.attributes for each in span.events if each.name == "exception"]
    for each in thrown:
        words = [str(each.get(f"exception.{name}") or "") for name in ("type", "message")]
        text = ": ".join(filter(None, words))
        if text and not (words[1] and words[1] in span.message):
            yield text
    kind = str(span.attributes.get("error.type") or "")
    if kind and not kind.isdecimal() and not thrown and not span.message:
        yield kind


def _said(span: Span) -> Iterator[str]:
    found = span.attributes
    for name, words in _SAID:
        value = str(found.get(name, ""))
        if value not in _UNREMARKABLE:
            yield words.format(value)
    if str(found.get("fairway.decision", "")) == "deny" and found.get("fairway.reason"):
        yield str(found["fairway.reason"])
    attempts = str(found.get("fairway.attempts", ""))
    if attempts.isdigit() and int(attempts) > 1:
        yield f"attempt {attempts}" if not span.sidecar else f"{attempts} attempts"
    for name in ("fairway.details", "fairway.flags"):
        if str(found.get(name, "")) not in _UNREMARKABLE:
            yield str(found[name])
