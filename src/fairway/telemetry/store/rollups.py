"""Requests in steps of time: how many, how they ended, how long they took, by edge.

Written from access logs, so it is all requests and not a sample. Steps of 10 seconds are kept for
two days; steps of five minutes, written at the same time, for ninety. A step that is still open is
in memory and in the file; a late line is added to the step that it belongs to.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from fairway.telemetry.entries import RequestEntry
from fairway.telemetry.histograms import step_of
from fairway.telemetry.port import COARSE_STEP, FINE_SECONDS
from fairway.telemetry.store.schema import ROLLUPS, opened_for_writing

DAY: Final = 86_400.0
STEPS: Final = {10: FINE_SECONDS, COARSE_STEP: 90 * DAY}
"""How long steps of so many seconds are kept."""
_OPEN = 5_000
"""Steps of edges that are kept in memory."""
COUNTED = "requests, errors, denied, retried, broken, seconds, buckets"
Key = tuple[int, int, int]


@dataclass(slots=True)
class Tally:
    """What happened on an edge in a step."""

    requests: int = 0
    errors: int = 0
    denied: int = 0
    retried: int = 0
    broken: int = 0
    seconds: float = 0.0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, entry: RequestEntry, bucket: int) -> None:
        """Count one request in."""
        self.retried += entry.retried
        self.broken += entry.broken
        if not entry.counted:
            return
        self.requests += 1
        self.errors += entry.error
        self.denied += entry.denied
        self.seconds += entry.duration
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1


class RollupsWriter:
    """The one writer of `rollups.db`."""

    def __init__(self, path: Path, run: int, started_at: float) -> None:
        self._connection = opened_for_writing(path, ROLLUPS)
        self._run = run
        self._edges: dict[tuple[str, str, str, str], int] = {}
        self._tallies: dict[Key, Tally] = {}
        self._changed: set[Key] = set()
        self._connection.execute(
            "insert into runs values (?, ?, ?) on conflict (number) do nothing",
            (run, started_at, started_at),
        )

    def add(self, entries: Iterable[RequestEntry]) -> None:
        """Count requests in; they are seen after `flush`."""
        for entry in entries:
            edge = self._edge((entry.caller, entry.service, entry.version, entry.intent))
            bucket = step_of(entry.duration)
            for step in STEPS:
                key = (step, int(entry.at // step * step), edge)
                self._tally(key).add(entry, bucket)
                self._changed.add(key)

    def flush(self) -> None:
        """Show readers what has come."""
        if not self._changed:
            return
        with self._connection:
            self._connection.execute("begin immediate")
            self._connection.executemany(
                "insert or replace into requests values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [self._row(key) for key in self._changed],
            )
        self._changed.clear()
        if len(self._tallies) > _OPEN:
            self._tallies.clear()

    def alive(self, now: float) -> None:
        """Note that the run still goes on."""
        self._connection.execute(
            "update runs set last_at = max(last_at, ?) where number = ?", (now, self._run)
        )

    def tidy(self, now: float) -> None:
        """Leave steps behind that are too old for their width."""
        for step, kept in STEPS.items():
            self._connection.execute(
                "delete from requests where step = ? and at < ?", (step, now - kept)
            )

    def close(self) -> None:
        """Give the file up."""
        self.flush()
        self._connection.close()

    def abandon(self) -> None:
        """Give the file up without what came since the last `flush`."""
        self._connection.close()

    def _row(self, key: Key) -> tuple[object, ...]:
        step, at, edge = key
        found = self._tallies[key]
        return (
            step, at, edge, self._run, found.requests, found.errors, found.denied, found.retried,
            found.broken, found.seconds, buckets_text(found.buckets),
        )  # fmt: skip

    def _tally(self, key: Key) -> Tally:
        known = self._tallies.get(key)
        if known is not None:
            return known
        row = self._connection.execute(
            f"select {COUNTED} from requests where step = ? and at = ? and edge = ? and run = ?",
            (*key, self._run),
        ).fetchone()
        found = Tally() if row is None else tally_of(row)
        self._tallies[key] = found
        return found

    def _edge(self, edge: tuple[str, str, str, str]) -> int:
        if edge not in self._edges:
            self._edges[edge] = _edge_number(self._connection, edge)
        return self._edges[edge]


def tally_of(row: tuple[Any, ...]) -> Tally:
    """A tally from the columns `COUNTED`."""
    requests, errors, denied, retried, broken, seconds, buckets = row
    return Tally(requests, errors, denied, retried, broken, seconds, buckets_of(buckets))


def buckets_text(buckets: dict[int, int]) -> str:
    """Counts of buckets as JSON text."""
    return json.dumps(buckets, separators=(",", ":"))


def buckets_of(text: str) -> dict[int, int]:
    """What `buckets_text` gave."""
    return {int(bucket): count for bucket, count in json.loads(text).items()}


def _edge_number(connection: sqlite3.Connection, edge: tuple[str, str, str, str]) -> int:
    connection.execute(
        "insert into edges (caller, service, version, intent) values (?, ?, ?, ?)"
        " on conflict do nothing",
        edge,
    )
    row = connection.execute(
        "select id from edges where caller = ? and service = ? and version = ? and intent = ?",
        edge,
    ).fetchone()
    return cast(int, row[0])
