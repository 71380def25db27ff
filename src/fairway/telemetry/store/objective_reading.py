"""How each service level objective is kept, from the rollups: 30 days of requests in milliseconds.

The farther back, the coarser is what is added up: seconds for the last hour, minutes before, and
hours beyond, which are read once and remembered, since they do not change any more. `slo.py` does
the arithmetic.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Final

from fairway.telemetry.config import Objective
from fairway.telemetry.port import SloStatus
from fairway.telemetry.slo import (
    Counted,
    Measured,
    Promise,
    looks_back,
    promises,
    status,
    summed,
)
from fairway.telemetry.store.files import Files
from fairway.telemetry.store.rollups import STEPS, buckets_of

_FINE, _COARSE = sorted(STEPS)
_HOUR: Final = 3600
_FINE_SECONDS = 3600.0
"""For so long back the fine steps count: alerts look at the last minutes."""
_COARSE_SECONDS = 7 * 3600.0
"""For so long the coarse ones do; before, the longest windows only need to know the hour."""
_SELECT = (
    "select at, service, intent, requests, errors, denied, buckets from requests"
    " join edges on edges.id = requests.edge where step = ? and at >= ? and at < ?"
)


class Objectives:
    """Answers from the rollups of a store. Safe between threads."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._promises: tuple[Promise, ...] = ()
        self._hours: dict[int, dict[Promise, Measured]] = {}
        self._lock = Lock()

    def statuses(self, declared: Iterable[Objective], now: float) -> tuple[SloStatus, ...]:
        """How each promise of these objectives is kept at the moment, by name."""
        found = promises(declared)
        if not found:
            return ()
        with self._lock:
            if found != self._promises:
                self._promises, self._hours = found, {}
            with self._files.rollups() as connection:
                measured = self._measured(connection, now) if connection is not None else {}
        return tuple(status(promise, measured.get(promise, ()), now) for promise in found)

    def _measured(
        self, connection: sqlite3.Connection, now: float
    ) -> dict[Promise, list[Measured]]:
        fine = _floor(now - _FINE_SECONDS, _COARSE)
        coarse = _floor(now - _COARSE_SECONDS, _HOUR)
        oldest = min(_floor(now - looks_back(self._promises), _HOUR), coarse)
        self._remember(connection, oldest, coarse)
        found: dict[Promise, list[Measured]] = {promise: [] for promise in self._promises}
        for hour in self._hours.values():
            for promise, entry in hour.items():
                found[promise].append(entry)
        for step, begin, end in ((_COARSE, coarse, fine), (_FINE, fine, now + _FINE)):
            for promise, entry in self._read(connection, step, begin, end):
                found[promise].append(entry)
        return found

    def _remember(self, connection: sqlite3.Connection, oldest: int, end: int) -> None:
        """Have every hour from `oldest` to `end`, and none before."""
        self._hours = {hour: known for hour, known in self._hours.items() if hour >= oldest}
        missing = [hour for hour in range(oldest, end, _HOUR) if hour not in self._hours]
        if not missing:
            return
        new: dict[int, dict[Promise, list[Measured]]] = {hour: {} for hour in missing}
        for promise, entry in self._read(connection, _COARSE, missing[0], end):
            hour = new.get(_floor(entry.at, _HOUR))
            if hour is not None:
                hour.setdefault(promise, []).append(entry)
        for at, hour in new.items():
            self._hours[at] = {key: summed(parts, at, _HOUR) for key, parts in hour.items()}

    def _read(
        self, connection: sqlite3.Connection, step: int, begin: float, end: float
    ) -> Iterator[tuple[Promise, Measured]]:
        timed = {each.service for each in self._promises if each.threshold is not None}
        rows = connection.execute(_SELECT, (step, begin, end))
        for at, service, intent, requests, errors, denied, buckets in rows:
            latency = buckets_of(buckets) if service in timed else {}
            counted = Counted(at, step, service, intent, requests, errors, denied, latency)
            for promise in self._promises:
                if promise.concerns(counted):
                    yield promise, promise.measure(counted)


def _floor(at: float, step: int) -> int:
    return int(at // step * step)
