"""Traces: which requests there were, where one's time went, and how two differ.

The list has the distribution of durations above it, each bar a filter. A trace is a waterfall whose
selected span is a parameter of the address, so that a link can point at it. What is fresh is looked
at again while its spans arrive (`views/arriving.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from fairway.console.live import live
from fairway.console.page import Entry, Page, PageHere
from fairway.console.pages.listing import (
    address_of,
    in_address_bar,
    preset_choices,
    run_choices,
    service_choices,
)
from fairway.console.views import quantities
from fairway.console.views.arriving import FRESH_SECONDS, Watched, is_fresh
from fairway.console.views.comparing import compare
from fairway.console.views.durations import duration_bars
from fairway.console.views.filters import Property, chips, properties, trace_query
from fairway.console.views.links import Address
from fairway.console.views.records import in_time
from fairway.console.views.waterfall import Row, service_colours, waterfall
from fairway.telemetry.port import (
    LogQuery,
    LogRecord,
    Span,
    Trace,
    TraceQuery,
    TraceSummary,
)

ENTRY = Entry("Traces", "/traces", "traces", "t")
PATH = "/traces"
SHOWN = 50
_RESTORED = "hx-history-restore-request"
"""The browser went back: it needs the page, not the fragment that was fetched then."""
LIVE_SECONDS = 2.0
_JUST_AFTER = 5e-5
"""Seconds: an address keeps times to ten microseconds."""
ROWS = 400
"""Spans that are drawn before one asks for more of them."""
_CANDIDATES = 20
_GROWING = 200
"""Traces of a list whose spans are counted on; a list shows fewer, but others may lie between."""
_SPAN_LOGS = 100
_CHIPS = ("attr", "version", "name", "min_duration", "max_duration", "until")
_OUTCOMES = (("", "all"), ("ok", "ok"), ("error", "error"), ("denied", "denied"))

router = APIRouter()


@router.get(PATH)
async def traces(here: PageHere) -> Response:
    """The newest traces that match, with how long all that match took."""
    address = address_of(here, PATH)
    found = await here.telemetry.traces(trace_query(address, here.now, limit=SHOWN))
    fresh = address.having(cursor=None)
    moving = not (address.get("cursor") or address.get("until"))
    newest = max((trace.started_at for trace in found.traces), default=here.now)
    arriving = [trace for trace in found.traces if moving and is_fresh(trace, here.now)]
    fresh_since = min((trace.started_at for trace in arriving), default=None)
    answer = here.render(
        "traces.html",
        q=quantities,
        address=address,
        page_of_traces=found,
        bars=duration_bars(found.durations),
        longest=max((trace.duration for trace in found.traces), default=0.0),
        colours=service_colours({name for trace in found.traces for name in trace.services}),
        chips=chips(address, *_CHIPS),
        services=await service_choices(here, address.get("service")),
        runs=await run_choices(here),
        outcomes=_OUTCOMES,
        presets=preset_choices(),
        newest=fresh if address.get("cursor") else "",
        live=fresh.at(f"{PATH}/live").having(than=newest, arriving=fresh_since) if moving else "",
        fresh_traces={trace.trace_id for trace in arriving},
        older=fresh.having(cursor=found.cursor) if found.cursor else "",
    )
    return in_address_bar(here, address, answer)


@router.get(f"{PATH}/live")
async def newer(here: PageHere, than: float, arriving: float | None = None) -> StreamingResponse:
    """How many that match have come since; the list itself stays as it is while it is read. Only
    of those that started since `arriving` the spans are counted on, until they are complete.
    """
    address = address_of(here, PATH).having(than=None, arriving=None)
    growing = None if arriving is None else _Growing(arriving - _JUST_AFTER, than + _JUST_AFTER)

    async def fragments() -> Iterable[str]:
        query = trace_query(address, here.now, limit=SHOWN)
        since = max(query.since or 0.0, than + _JUST_AFTER)
        found = (await here.telemetry.traces(replace(query, since=since))).traces
        told = here.html("_traces_newer.html", count=len(found), most=SHOWN, newest=address)
        return [told, *(await growing.counts(here) if growing else ())]

    return live(here, fragments, LIVE_SECONDS)


@router.get(f"{PATH}/compare")
async def comparison(here: PageHere, a: str = "", b: str = "") -> HTMLResponse:
    """Two traces side by side, the older one first, whichever was chosen first; with one alone,
    those like it to choose from.
    """
    one = await here.telemetry.trace(a or b)
    if not (a and b):
        return await _choice(here, one)
    other = await here.telemetry.trace(b)
    before, after = sorted((one, other), key=lambda each: each.summary.started_at)
    sides = (("the one before", before), ("the one after", after))
    return here.render(
        "trace_compare.html",
        q=quantities,
        before=before.summary,
        after=after.summary,
        found=compare(before.spans, after.spans),
        fresh=[words for words, each in sides if is_fresh(each.summary, here.now)],
    )


@router.get(f"{PATH}/{{trace_id}}")
async def trace(here: PageHere, trace_id: str, span: str = "", rows: int = ROWS) -> Response:
    """One trace as a waterfall, with the details of a span."""
    found = await here.telemetry.trace(trace_id)
    address = address_of(here, f"{PATH}/{found.summary.trace_id}")
    shown = _shown(found, address, rows, live=is_fresh(found.summary, here.now))
    drawn: Sequence[Row] = shown["drawing"].rows
    selected = next((row for row in drawn if row.span.span_id == span), None)
    details = await _details(here, selected, found) if selected else None
    if here.scripted and _RESTORED not in here.request.headers:
        answer = here.fragment("_span.html", q=quantities, details=details, address=address)
        answer.headers["hx-push-url"] = str(address)
        return answer
    return here.render("trace.html", **shown, details=details)


@router.get(f"{PATH}/{{trace_id}}/live")
async def arriving_spans(here: PageHere, trace_id: str, rows: int = ROWS) -> StreamingResponse:
    """The waterfall as its spans arrive, until nothing has come for some seconds."""
    address = address_of(here, f"{PATH}/{trace_id}")
    watched = Watched()

    async def fragments() -> Iterable[str]:
        found = await here.telemetry.trace(trace_id)
        shown = _shown(found, address, rows, live=not watched.settled(found.summary, here.now))
        names = ("_trace_summary.html", "_trace_hops.html", "_trace_head.html")
        return [here.html(name, **shown, details=None) for name in names]

    return live(here, fragments, LIVE_SECONDS)


def _shown(found: Trace, address: Address, rows: int, *, live: bool) -> dict[str, Any]:
    """What the templates of a trace are given; with `live` the page asks on."""
    drawing = waterfall(found.spans)
    stream = address.at(f"{PATH}/{found.summary.trace_id}/live").having(span=None)
    return {
        "q": quantities,
        "trace": found.summary,
        "drawing": drawing,
        "shown": drawing.rows[: max(rows, 1)],
        "address": address,
        "more": address.having(rows=rows + ROWS * 5) if len(drawing.rows) > rows else None,
        "live": stream if live else None,
    }


@dataclass(slots=True)
class _Growing:
    """The traces of a list that were fresh when it was made: those that started in this time."""

    since: float
    until: float
    over: bool = False

    async def counts(self, here: Page) -> Sequence[str]:
        """Their spans as fragments, the oldest first; nothing once all of them are complete."""
        if self.over:
            return ()
        query = TraceQuery(since=self.since, until=self.until, limit=_GROWING)
        found = (await here.telemetry.traces(query)).traces
        fresh = {trace.trace_id for trace in found if is_fresh(trace, here.now)}
        self.over = not fresh and here.now >= self.until + FRESH_SECONDS
        return [
            here.html("_trace_spans.html", trace=trace, fresh=trace.trace_id in fresh)
            for trace in reversed(found)
        ]


@dataclass(frozen=True, slots=True)
class Details:
    """What is told of a selected span."""

    row: Row
    attributes: Sequence[Property]
    resource: Sequence[Property]
    events: Sequence[tuple[float, str, Sequence[Property]]]
    logs: Sequence[LogRecord]
    all_logs: Address


async def _details(here: Page, row: Row, found: Trace) -> Details:
    span = row.span
    like_it = Address(PATH)
    return Details(
        row=row,
        attributes=properties(like_it, span.attributes),
        resource=properties(like_it, span.resource),
        events=[
            (event.at - found.summary.started_at, event.name, properties(like_it, event.attributes))
            for event in span.events
        ],
        logs=await _logs_of(here, span),
        all_logs=Address("/logs").having(trace_id=span.trace_id),
    )


async def _logs_of(here: Page, span: Span) -> Sequence[LogRecord]:
    """What was logged within a span; a program whose lines name no span is told by its service."""
    query = LogQuery(trace_id=span.trace_id, services=(span.service,), limit=_SPAN_LOGS)
    records = (await here.telemetry.logs(query)).records
    return in_time(each for each in records if each.span_id in ("", span.span_id))


async def _choice(here: Page, one: Trace) -> HTMLResponse:
    summary = one.summary
    query = TraceQuery(service=summary.service, limit=_CANDIDATES, name=summary.name)
    found = await here.telemetry.traces(query)
    others = [each for each in found.traces if each.trace_id != summary.trace_id]
    return here.render(
        "trace_choice.html", q=quantities, trace=summary, others=_typical_first(others)
    )


def _typical_first(found: Sequence[TraceSummary]) -> Sequence[TraceSummary]:
    """Whoever compares looks for what is normal: those without errors, nearest to the median."""
    ordered = sorted(each.duration for each in found)
    middle = ordered[len(ordered) // 2] if ordered else 0.0
    return sorted(found, key=lambda each: (each.outcome != "ok", abs(each.duration - middle)))
