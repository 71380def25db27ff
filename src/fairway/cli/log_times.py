"""When lines were written that do not say so: the time at which the receiver read them.

`commands/logs` asks, after reading the files. A file alone only tells when its last line was
written; the store has every line with the time of its reading, within a second or so of its
writing. Where no telemetry is kept lines keep the time that their file gave them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fairway.errors import FairwayError
from fairway.telemetry.lines import LogLine
from fairway.telemetry.port import LogQuery, LogRecord, Telemetry

_PAGE = 1000
_MOST_PAGES = 10
"""So far back the store is asked for one service."""


def with_read_times(lines: Sequence[LogLine], opened: Callable[[], Telemetry]) -> list[LogLine]:
    """The lines of some files, by time; those without a time of their own with the store's."""
    services = sorted({line.source.service for line in lines if not line.timed})
    records = asyncio.run(_records(opened, services, lines)) if services else []
    return sorted(timed(lines, records), key=lambda line: line.at)


def timed(lines: Sequence[LogLine], records: Iterable[LogRecord]) -> list[LogLine]:
    """The lines (each file's in its order) with the times of records (the oldest first). Pure.

    From the end backwards, since the store may have forgotten the oldest. What it does not have is
    no younger than the line below it.
    """
    read: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in records:
        read[record.instance, record.text].append(record.at)
    below: dict[str, float] = {}
    found = [_timed(line, read, below) for line in reversed(lines)]
    return found[::-1]


def _timed(
    line: LogLine, read: dict[tuple[str, str], list[float]], below: dict[str, float]
) -> LogLine:
    who = line.source.label
    times = read.get((who, line.text))
    at = times.pop() if times else None
    if line.timed:
        return line
    if at is not None:
        below[who] = min(at, below.get(who, at))
    return replace(line, at=min(line.at, below.get(who, line.at)) if at is None else below[who])


async def _records(
    opened: Callable[[], Telemetry], services: Iterable[str], lines: Sequence[LogLine]
) -> list[LogRecord]:
    """The newest records of each service, the oldest first: as many as it has lines, or fewer."""
    found: list[LogRecord] = []
    try:
        telemetry = opened()
        for service in services:
            most = sum(line.source.service == service for line in lines)
            found += await _newest(telemetry, service, most)
    except FairwayError:  # nothing is kept here
        pass
    return found


async def _newest(telemetry: Telemetry, service: str, most: int) -> list[LogRecord]:
    query = LogQuery(services=(service,), source="file", limit=_PAGE)
    found: list[LogRecord] = []
    for _ in range(_MOST_PAGES):
        page = await telemetry.logs(query)
        found = [*page.records, *found]
        if len(found) >= most or (len(page.records) < _PAGE and page.searched is None):
            break
        before = page.searched if page.searched is not None else page.records[0].id
        query = replace(query, before=before)
    return found
