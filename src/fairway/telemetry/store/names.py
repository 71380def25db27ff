"""Things that repeat (names, resources) as small numbers: each is stored once per segment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, cast

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from fairway.telemetry.entries import LogEntry
from fairway.telemetry.otlp.spans import Origin, origin_of

_MOST = 20_000
"""Different texts that are remembered: a program that puts ids into names must not fill memory."""


class Names:
    """Texts of a segment by number."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text; a new one is stored."""
        known = self._known.get(text)
        return self._looked_up(text) if known is None else known

    def _looked_up(self, text: str) -> int:
        if len(self._known) >= _MOST:
            self._known.clear()
        clean = text.encode(errors="replace").decode()
        found = self._connection.execute("select id from names where text = ?", (clean,)).fetchone()
        if found is None:
            cursor = self._connection.execute("insert into names (text) values (?)", (clean,))
            found = (cursor.lastrowid,)
        self._known[text] = number = cast(int, found[0])
        return number


class Sources:
    """Who sends, by number: a resource of OTLP, or a process whose log file is read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[Any, int] = {}
        rows = connection.execute(
            "select id, service, version, instance, sidecar, resource from sources"
        )
        for number, service, version, instance, sidecar, resource in rows:
            self._known[resource or (service, version, instance, bool(sidecar))] = number

    def of_resource(self, resource: Resource) -> int:
        """The number of a resource."""
        key = resource.SerializeToString(deterministic=True) or b"\x00"
        return self._number(key, lambda: (origin_of(resource), key if key != b"\x00" else b""))

    def of_entry(self, entry: LogEntry) -> int:
        """The number of the process that wrote a line."""
        access = entry.source == "access"
        key = (entry.service, entry.version, entry.instance, access)
        return self._number(key, lambda: (Origin(*key), b""))

    def _number(self, key: Any, make: Callable[[], tuple[Origin, bytes]]) -> int:
        known = self._known.get(key)
        if known is not None:
            return known
        origin, resource = make()
        cursor = self._connection.execute(
            "insert into sources (service, version, instance, sidecar, resource)"
            " values (?, ?, ?, ?, ?)",
            (origin.service, origin.version, origin.instance, origin.sidecar, resource),
        )
        self._known[key] = number = cast(int, cursor.lastrowid)
        return number
