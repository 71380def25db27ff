"""Logs: what everything said, filtered by any property, followed as it comes.

Every filter is a parameter of the address (`filters.log_query`). A record's properties are fetched
when it is opened, so that a page of two hundred stays small. The address of the stream that follows
has the same filters and the id of the last record that is shown, so nothing is missed or doubled.
What is shown together is in the order of its times; pages and streams go on by id.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from fairway.api.events import Message
from fairway.console.live import stream
from fairway.console.page import Entry, Page, PageHere
from fairway.console.pages.listing import (
    address_of,
    in_address_bar,
    preset_choices,
    run_choices,
    service_choices,
)
from fairway.console.views import quantities
from fairway.console.views.filters import chips, log_query, record_properties
from fairway.console.views.links import Address
from fairway.console.views.records import also, in_time, said
from fairway.errors import NotFound
from fairway.telemetry.port import LogQuery, Telemetry

ENTRY = Entry("Logs", "/logs", "logs", "l")
PATH = "/logs"
SHOWN = 200
FOLLOW_SECONDS = 0.5
_BATCH = 500
_DOWNLOADED = 1000
"""Records that are read at a time for a download."""
_CHIPS = ("attr", "version", "trace_id", "correlation_id", "until", "before")
_LEVELS = (
    ("", "all"),
    ("info", "info and worse"),
    ("warning", "warning and worse"),
    ("error", "error"),
)

router = APIRouter()
Number = Annotated[int | None, Query(ge=0, le=2**60)]


@router.get(PATH)
async def logs(here: PageHere) -> Response:
    """The newest records that match, or those before the ones that were shown."""
    address = address_of(here, PATH)
    found = await here.telemetry.logs(log_query(address, here.now, limit=SHOWN))
    fresh = address.having(before=None)
    begin = found.searched or (found.records[0].id if len(found.records) == SHOWN else None)
    live = not (address.get("before") or address.get("until"))
    answer = here.render(
        "logs.html",
        address=address,
        records=in_time(found.records),
        look=Look(),
        chips=chips(address, *_CHIPS, *(["service"] if len(address.all("service")) > 1 else [])),
        services=await service_choices(here, *address.all("service")),
        runs=await run_choices(here),
        levels=_LEVELS,
        presets=preset_choices(),
        live=fresh.at(f"{PATH}/live").having(after=found.last) if live else None,
        newest=fresh if not live else None,
        older=fresh.having(before=begin) if begin else None,
        searched=found.searched is not None,
        download=address.at(f"{PATH}/download").having(before=None),
    )
    return in_address_bar(here, address, answer)


@router.get(f"{PATH}/live")
async def follow(
    here: PageHere, after: Number = None, last_event_id: Annotated[int | None, Header()] = None
) -> StreamingResponse:
    """Records with a greater id, as they come; each message is numbered by its last record."""
    address = address_of(here, PATH).having(after=None)
    start = last_event_id if last_event_id is not None else after or 0
    query = log_query(address, here.now, limit=_BATCH, after=start)
    return stream(here, _coming(here, address, query))


@router.get(f"{PATH}/download")
async def download(here: PageHere) -> StreamingResponse:
    """Every record that matches, the oldest first, one JSON object per line."""
    query = log_query(address_of(here, PATH), here.now, limit=_DOWNLOADED, after=0)
    return StreamingResponse(
        _lines(here.telemetry, query),
        media_type="application/x-ndjson",
        headers={
            "content-disposition": 'attachment; filename="fairway-logs.jsonl"',
            "cache-control": "no-store",
        },
    )


@router.get(f"{PATH}/{{number}}")
async def record(here: PageHere, number: int) -> HTMLResponse:
    """The properties of one record, each a link that filters by it."""
    found = await here.telemetry.logs(LogQuery(after=number - 1, access=True, limit=1))
    if not found.records or found.records[0].id != number:
        raise NotFound(
            "no-such-record",
            "this log record is no longer stored",
            where=str(number),
            remedy="reload the page",
        )
    address = address_of(here, PATH)
    return here.fragment(
        "_log_record.html",
        record=found.records[0],
        properties=record_properties(address, found.records[0]),
        look=Look(),
    )


class Look:
    """How a record reads in a list."""

    precise = staticmethod(quantities.precise)
    text = staticmethod(said)
    also = staticmethod(also)


async def _coming(here: Page, address: Address, query: LogQuery) -> AsyncIterator[Message]:
    after = query.after or 0
    while await here.site.sessions.alive(here.session):
        found = await here.telemetry.logs(replace(query, after=after))
        if found.records:
            records = in_time(found.records)
            html = here.html("_log_rows.html", records=records, look=Look(), address=address)
            data = {"html": html, "last": found.last, "count": len(found.records)}
            yield Message(found.last, "records", data)
        after = max(after, found.last)
        if len(found.records) < _BATCH and found.searched is None:
            await asyncio.sleep(FOLLOW_SECONDS)
    yield Message(None, "ended", "")


async def _lines(telemetry: Telemetry, query: LogQuery) -> AsyncIterator[bytes]:
    """Until nothing is left; each page goes on where the search for the one before ended."""
    found = await telemetry.logs(query)
    while found.records or found.searched is not None:
        lines = (json.dumps(asdict(each), ensure_ascii=False) for each in found.records)
        yield "".join(f"{line}\n" for line in lines).encode()
        found = await telemetry.logs(replace(query, after=found.last))
