"""Things that repeat (names, resources) as small numbers: each is stored once per segment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from fairway.telemetry.entries import LogEntry
from fairway.telemetry.otlp.spans import Origin, origin_of

_MOST = 20_000
"""Different texts that are remembered: a program that puts ids into names must not fill memory."""


def clean(text: str) -> str:
    """Lone surrogates (a file need not be UTF-8) cannot be stored as text."""
    return text if text.isascii() else text.encode(errors="replace").decode()


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
        storable = (clean(text),)
        found = self._connection.execute("select id from names where text = ?", storable).fetchone()
        if found is None:
            cursor = self._connection.execute("insert into names (text) values (?)", storable)
            found = (cursor.lastrowid,)
        self._known[text] = number = cast(int, found[0])
        return number


class Sources:
    """Who sends, by number: a resource of OTLP, or a process whose log file is read."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[Any, int] = {}
        self.sidecars: dict[int, tuple[Origin, bytes]] = {}
        rows = connection.execute(
            "select id, service, version, instance, sidecar, resource from sources order by id"
        )
        for number, service, version, instance, sidecar, resource in rows:
            origin = Origin(service, version, instance, bool(sidecar))
            if not resource:
                self._known[service, version, instance, bool(sidecar)] = number
            elif resource in self._known:  # the first is the resource's own
                self._known[self._known[resource], version] = number
            else:
                self._remember(resource, number, origin, resource)

    def of_resource(self, resource: Resource) -> int:
        """The number of a resource."""
        key = resource.SerializeToString(deterministic=True) or b"\x00"
        return self._number(key, lambda: (origin_of(resource), key if key != b"\x00" else b""))

    def of_version(self, sidecar: int, version: str) -> int:
        """The number of a sidecar's resource, for what it passed to that version."""
        origin, resource = self.sidecars[sidecar]
        return self._number(
            (sidecar, version), lambda: (replace(origin, version=version), resource)
        )

    def of_entry(self, entry: LogEntry) -> int:
        """The number of the process that wrote a line."""
        access = entry.source == "access"
        key = (entry.service, clean(entry.version), entry.instance, access)
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
        self._remember(key, number := cast(int, cursor.lastrowid), origin, resource)
        return number

    def _remember(self, key: Any, number: int, origin: Origin, resource: bytes) -> None:
        self._known[key] = number
        if origin.sidecar and resource:
            self.sidecars[number] = origin, resource
