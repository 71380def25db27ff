"""Reading the store's files: opens the segments that a question is about, and closes them again.

A connection is opened for a question and closed after it. That takes a tenth of a millisecond, and
retention may delete files at any time without asking whether somebody holds them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from fairway.telemetry.otlp.spans import Origin
from fairway.telemetry.otlp.values import attributes_of
from fairway.telemetry.port import Attributes
from fairway.telemetry.store.layout import SegmentFile, rollups_file, segments, size_of
from fairway.telemetry.store.schema import ROLLUPS, SEGMENT, opened_for_reading


@dataclass(frozen=True, slots=True)
class Source:
    """Who sent something, with its resource."""

    origin: Origin
    resource: bytes

    def attributes(self) -> Attributes:
        """The resource's attributes."""
        return attributes_of(Resource.FromString(self.resource).attributes)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sealed segment holds: so most questions need not open it. Times are nanoseconds.

    `errors` and `denied` are traces with that outcome, `longest` is the longest trace.
    """

    first_start: int
    last_start: int
    longest: int
    errors: int
    denied: int
    first_log: int
    last_log: int


class OpenSegment:
    """A segment while a question is answered."""

    def __init__(self, file: SegmentFile, connection: sqlite3.Connection) -> None:
        self.file = file
        self.connection = connection

    @cached_property
    def sources(self) -> dict[int, Source]:
        """Who sent something, by number."""
        rows = self.connection.execute(
            "select id, service, version, instance, sidecar, resource from sources"
        )
        return {
            number: Source(Origin(service, version, instance, bool(sidecar)), resource)
            for number, service, version, instance, sidecar, resource in rows
        }

    def numbers_of(self, service: str | None, version: str | None) -> list[int] | None:
        """The numbers of the sources that match; None if all do."""
        if service is None and version is None:
            return None
        return [
            number
            for number, source in self.sources.items()
            if service in (None, source.origin.service) and version in (None, source.origin.version)
        ]

    def name(self, number: int) -> str:
        """A text by its number."""
        row = self.connection.execute("select text from names where id = ?", (number,)).fetchone()
        return "" if row is None else str(row[0])

    def opened_at(self) -> float | None:
        """When the segment was begun, Unix seconds; None before anything was written."""
        row = self.connection.execute("select value from meta where key = 'opened_at'").fetchone()
        return None if row is None else float(row[0])

    def facts(self) -> Facts | None:
        """What is known of it once it is sealed; None before."""
        found = dict(self.connection.execute("select key, value from meta"))
        if found.get("sealed_at") is None:
            return None
        return Facts(*(found.get(name) or 0 for name in Facts.__slots__))

    def numbers(self, sql: str, *params: object) -> list[int]:
        """The first column of what a query gives."""
        return [row[0] for row in self.connection.execute(sql, params)]


class Files:
    """The store's files for readers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._facts: dict[Path, Facts] = {}

    def facts(self, file: SegmentFile) -> Facts | None:
        """What is known of a sealed segment; None of one that is being written, or is gone.

        Remembered: a sealed segment never changes, and a thinned one has another path.
        """
        known = self._facts.get(file.path)
        if known is None:
            with self.opened(file) as segment:
                known = segment.facts() if segment is not None else None
            if known is not None:
                self._facts[file.path] = known
        return known

    def newest_first(self, run: int | None = None) -> list[SegmentFile]:
        """The segments of a run, or of all."""
        found = segments(self._folder)
        return [file for file in reversed(found) if run in (None, file.run)]

    @contextmanager
    def opened(self, file: SegmentFile) -> Iterator[OpenSegment | None]:
        """A segment, or by now its thin one; None if both are gone."""
        connection = opened_for_reading(file.path, SEGMENT)
        if connection is None and not file.thin:
            file = file.thinned()
            connection = opened_for_reading(file.path, SEGMENT)
        if connection is None:
            yield None
            return
        with closing(connection):
            yield OpenSegment(file, connection)

    def each(self, run: int | None = None) -> Iterator[OpenSegment]:
        """One open segment after the other, the newest first."""
        for file in self.newest_first(run):
            with self.opened(file) as segment:
                if segment is not None:
                    yield segment

    @contextmanager
    def rollups(self) -> Iterator[sqlite3.Connection | None]:
        """The rollups; None before there are any."""
        connection = opened_for_reading(rollups_file(self._folder), ROLLUPS)
        if connection is None:
            yield None
            return
        with closing(connection):
            yield connection

    def oldest_at(self) -> float | None:
        """When the oldest segment began, Unix seconds; None if there is none."""
        for file in reversed(self.newest_first()):
            with self.opened(file) as segment:
                if segment is not None:
                    return segment.opened_at()
        return None

    def size(self) -> int:
        """Bytes on disk of everything."""
        return size_of(self._folder)
