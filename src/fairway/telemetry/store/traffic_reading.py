"""Answers about requests by edge, from the rollups."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from math import ceil, floor
from typing import Any

from fairway.errors import InvalidInput
from fairway.telemetry.histograms import of_steps, percentiles
from fairway.telemetry.port import Run, Traffic, TrafficQuery
from fairway.telemetry.store.files import Files
from fairway.telemetry.store.rollups import COUNTED, STEPS, Tally, tally_of

_FINE, _COARSE = sorted(STEPS)
_LONG = 12 * 3600.0
"""Beyond so many seconds the coarse steps answer."""
_SHARES = (0.5, 0.95, 0.99)
_ALIVE = 150.0
"""Seconds without a sign of life after which a run has ended; the writer gives one a minute."""
Edge = tuple[str, str, str, str]


def by_edge(files: Files, query: TrafficQuery, now: float) -> tuple[Traffic, ...]:
    """Requests by edge, and by step if a step is asked for."""
    if query.until <= query.since or (query.step is not None and query.step <= 0):
        raise InvalidInput(
            "time-range-empty", "there is no step in that time", remedy="give a later end"
        )
    width = _width(query, now)
    if query.step is not None:  # what is kept in coarse steps cannot be told in finer ones
        query = replace(query, step=max(query.step, width))
    with files.rollups() as connection:
        if connection is None:
            return ()
        began = _run_began(connection, query)
        tallies: dict[tuple[float, Edge], Tally] = {}
        for at, edge, tally in _rows(connection, query, width):
            if at + width <= began:  # written before the run that is known: older lines, read late
                began = at
            key = (_step_of(at, query), _merged_edge(edge, query))
            add(tallies.setdefault(key, Tally()), tally)
    return tuple(
        _traffic(key, tallies[key], _covered(key[0], query, width, now, began))
        for key in sorted(tallies)
    )


def runs(files: Files, now: float, *, running: bool) -> tuple[Run, ...]:
    """Every run that left something, the oldest first; the newest goes on if `running`."""
    with files.rollups() as connection:
        if connection is None:
            return ()
        rows = connection.execute(
            "select number, started_at, last_at from runs order by number"
        ).fetchall()
    newest = rows[-1][0] if rows else 0
    alive = running or (bool(rows) and now - rows[-1][2] < _ALIVE)
    return tuple(
        Run(number, start, None if number == newest and alive else last)
        for number, start, last in rows
    )


def add(total: Tally, part: Tally) -> None:
    """Count one tally into another."""
    total.requests += part.requests
    total.errors += part.errors
    total.denied += part.denied
    total.retried += part.retried
    total.broken += part.broken
    total.seconds += part.seconds
    for bucket, count in part.buckets.items():
        total.buckets[bucket] = total.buckets.get(bucket, 0) + count


def _run_began(connection: sqlite3.Connection, query: TrafficQuery) -> float:
    """When the first run began that reached into the time asked for; 0.0 if none is known."""
    found = connection.execute(
        "select min(started_at) from runs where last_at >= ? and started_at < ?"
        " and (? is null or number = ?)",
        (query.since - _ALIVE, query.until, query.run, query.run),
    ).fetchone()
    return float(found[0] or 0.0)


def _rows(
    connection: sqlite3.Connection, query: TrafficQuery, width: int
) -> Iterator[tuple[float, Edge, Tally]]:
    where, params = _where(query)
    rows = connection.execute(
        f"select at, caller, service, version, intent, {COUNTED}"
        " from requests join edges on edges.id = requests.edge"
        f" where step = ? and at > ? and at < ? {where}",
        (width, query.since - width, query.until, *params),
    )
    for at, *rest in rows:
        caller, service, version, intent, *counted = rest
        yield at, (caller, service, version, intent), tally_of(tuple(counted))


def _where(query: TrafficQuery) -> tuple[str, list[Any]]:
    wanted = {
        "service": query.service, "caller": query.caller, "version": query.version,
        "intent": query.intent, "run": query.run,
    }  # fmt: skip
    given = {column: value for column, value in wanted.items() if value is not None}
    return "".join(f" and {column} = ?" for column in given), list(given.values())


def _width(query: TrafficQuery, now: float) -> int:
    """The fine steps for what is recent and short, else the coarse ones."""
    recent = query.since >= now - STEPS[_FINE]
    short = query.until - query.since <= _LONG or (query.step or _COARSE) < _COARSE
    return _FINE if recent and short else _COARSE


def _step_of(at: float, query: TrafficQuery) -> float:
    if query.step is None:
        return query.since
    return query.since + max(0, (at - query.since) // query.step) * query.step


def _covered(at: float, query: TrafficQuery, width: int, now: float, began: float) -> float:
    """How many seconds an entry is about: kept steps count whole, also those that the time asked
    for cuts, but of the last one nothing has come yet that lies ahead, and before `began` nothing
    could come.
    """
    end = query.until if query.step is None else min(at + query.step, query.until)
    first = floor(at / width) if at <= query.since else ceil(at / width)
    last = min(ceil(end / width) * width, max(now, end))
    return max(last - max(first * width, began), 1.0)


def _merged_edge(edge: Edge, query: TrafficQuery) -> Edge:
    caller, service, version, intent = edge
    kept = query.by
    return (
        caller if "caller" in kept else "",
        service,
        version if "version" in kept else "",
        intent if "intent" in kept else "",
    )


def _traffic(key: tuple[float, Edge], tally: Tally, seconds: float) -> Traffic:
    at, (caller, service, version, intent) = key
    p50, p95, p99 = percentiles(of_steps(tally.buckets), _SHARES)
    return Traffic(
        caller, service, version, intent, at, tally.requests, tally.errors, tally.denied,
        tally.requests / seconds, p50, p95, p99, tally.retried, tally.broken,
    )  # fmt: skip
