"""Log records that services sent by OTLP, as lines beside those of their files.

`commands/logs` merges both. The records are in the store of telemetry, which can be read also while
nothing runs; where none is kept there are none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

from fairway.cli.log_lines import Wanted
from fairway.errors import FairwayError
from fairway.telemetry.lines import LogLine, Source
from fairway.telemetry.port import LOG_LEVELS, LogQuery, LogRecord, Telemetry

_PAGE = 1000
"""Records that are asked for at once when following."""


class SentLogs:
    """The records that are wanted: first the newest, then what is added."""

    def __init__(self, opened: Callable[[], Telemetry], wanted: Wanted) -> None:
        self._opened = opened
        self._last: int | None = None
        self._query = LogQuery(
            since=wanted.since,
            services=tuple(sorted(wanted.services)),
            version=wanted.version or None,
            level=next((level for level in LOG_LEVELS if level == wanted.level), "error"),
            attributes=wanted.fields,
            source="otlp",
        )

    def history(self, most: int) -> list[LogLine]:
        """The newest, the oldest first."""
        return list(self._asked(replace(self._query, limit=most)))

    def fresh(self) -> Iterator[LogLine]:
        """What came since the last look."""
        yield from self._asked(replace(self._query, after=self._last or 0, limit=_PAGE))

    def _asked(self, query: LogQuery) -> Iterator[LogLine]:
        try:
            page = asyncio.run(self._opened().logs(query))
        except FairwayError:  # nothing is kept here: then files are all there is
            return
        self._last = max(self._last or 0, page.last)
        yield from map(_line, page.records)


def _line(record: LogRecord) -> LogLine:
    service, _, replica = record.instance.partition(".")
    source = Source(record.service, replica if service == record.service else "")
    ids = {"trace_id": record.trace_id, "span_id": record.span_id, "release": record.version}
    fields = {**record.attributes, **{name: value for name, value in ids.items() if value}}
    return LogLine(source, record.at, record.level, record.text, fields)
