"""A few connections to PostgreSQL, made when needed and kept while idle.

Used by `postgres.py` only. Whoever takes one gives it back, whatever happened; one that is broken
or still in a transaction is closed instead of kept. No thread of its own, nothing to shut down but
the connections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

Raw = psycopg.Connection[tuple[Any, ...]]


class Pool:
    """At most `size` connections at a time. Safe between threads."""

    def __init__(self, connect: Callable[[], Raw], size: int) -> None:
        self._connect = connect
        self._places = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Raw] = []
        self._closed = False

    def take(self, patience: float) -> Raw:
        """An idle connection or a new one; waits up to `patience` seconds while all are busy."""
        if not self._places.acquire(timeout=patience):
            raise psycopg.OperationalError(f"all connections stayed busy for {patience:g} s")
        try:
            if self._closed:
                raise psycopg.InterfaceError("it was closed here")
            return self._newest_idle() or self._connect()
        except BaseException:
            self._places.release()
            raise

    def renewed(self, broken: Raw) -> Raw:
        """A new connection in place of one that broke; the idle ones broke with it."""
        with self._lock:
            suspects, self._idle = [broken, *self._idle], []
        for each in suspects:
            each.close()
        return self._connect()

    def give(self, connection: Raw) -> None:
        """Have one back."""
        sound = connection.info.transaction_status == TransactionStatus.IDLE
        with self._lock:
            kept = sound and not self._closed
            if kept:
                self._idle.append(connection)
        if not kept:
            connection.close()
        self._places.release()

    def close(self) -> None:
        """Close what is idle, and what is in use as soon as it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def _newest_idle(self) -> Raw | None:
        with self._lock:
            return self._idle.pop() if self._idle else None
