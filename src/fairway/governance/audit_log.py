"""The audit log of a control plane as one thing: append to it, search it, check that it holds.

On one machine it is the folder of files that every process writes its chain to (`FileAuditLog`). A
shared environment keeps what its control plane does in its own database (`SqlAuditLog`), in chains
of the same form: a line is bound to the one before it by its hash, whoever of several servers wrote
either. What verification detects is the same in both, see `audit.py`.

An anchor in the same database shows what an accident did, and someone who may change entries only;
who may change every table could forge both. Against that, keep `heads()` somewhere else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from fairway.governance.audit import (
    IN_DATABASE,
    AnchorStore,
    Damage,
    Query,
    Record,
    anchor,
    anchor_head,
    search,
    sound_record,
    verify,
    verify_chain,
)
from fairway.storage.database import Connection, Database, Row
from fairway_runtime.policy.audit import AuditWriter, Entry, entry_fields
from fairway_runtime.policy.chain import Head, genesis, link

_TABLE = "audit_entries"
_BATCH = 1000
_LARGEST = 1e308
_HASH = re.compile(r'"hash":"([0-9a-f]{64})"\}$')


class AuditLog(Protocol):
    """Where a control plane remembers who did what. Safe between threads."""

    def append(self, entry: Entry) -> None:
        """Keep an entry; it outlives the process when this returns."""
        ...

    def search(self, query: Query) -> Iterator[Record]:
        """The entries that a query wants, by time across all writers, each with its `writer`."""
        ...

    def verify(self) -> tuple[Damage, ...]:
        """Everything that is wrong; empty when every chain holds."""
        ...

    def anchor(self, now: float) -> tuple[Damage, ...]:
        """Remember where every chain ends; one that was cut is reported instead."""
        ...

    def close(self) -> None:
        """Give up what this log holds open; the database is its owner's to close."""
        ...


class FileAuditLog:
    """The chains of every process of one machine, one of which is written here."""

    def __init__(
        self,
        folder: Path,
        writer: str,
        anchors: AnchorStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._anchors = anchors
        self._writer = AuditWriter(folder, writer, clock=clock)

    def append(self, entry: Entry) -> None:
        """Keep an entry; raises OSError when the disk is full."""
        self._writer.append(entry)

    def search(self, query: Query) -> Iterator[Record]:
        """The entries that a query wants, by time across all writers."""
        return search(self._folder, query)

    def verify(self) -> tuple[Damage, ...]:
        """Everything that is wrong; empty when every chain holds."""
        return verify(self._folder, self._anchors)

    def anchor(self, now: float) -> tuple[Damage, ...]:
        """Remember where every chain ends."""
        return anchor(self._folder, self._anchors, now)

    def close(self) -> None:
        """Sync and give the file up."""
        self._writer.close()


class SqlAuditLog:
    """Chains in an environment's database. Servers that share it may share a writer's name."""

    def __init__(
        self,
        database: Database,
        writer: str,
        anchors: AnchorStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._writer = writer + IN_DATABASE
        self._anchors = anchors
        self._clock = clock

    def append(self, entry: Entry) -> None:
        """Keep an entry, within the caller's transaction if there is one; Unavailable if it cannot.

        So that a change and its entry are kept together, or neither is.
        """
        at = round(self._clock() if entry.at is None else entry.at, 6)
        with self._database.writing() as connection:
            line, head = link(_head(connection, self._writer), entry_fields(at, entry))
            connection.execute(
                "INSERT INTO audit_entries (writer, seq, at, line) VALUES (?, ?, ?, ?)",
                (self._writer, head.seq, at, line.rstrip("\n")),
            )

    def search(self, query: Query) -> Iterator[Record]:
        """The entries that a query wants, by time across all writers.

        Read in batches, each a transaction of its own, so that a slow reader holds nothing open.
        """
        since = -_LARGEST if query.since is None else float(query.since)
        until = _LARGEST if query.until is None else float(query.until)
        last: tuple[object, ...] = (since, "", 0)
        while batch := self._batch(last, until):
            for _, writer, _, line in batch:
                record = sound_record(line)
                if record is not None and query.wants(record):
                    yield {**record, "writer": writer}
            last = batch[-1][:3]

    def verify(self) -> tuple[Damage, ...]:
        """Everything that is wrong; empty when every chain holds."""
        anchored = {name for name in self._anchors.writers() if name.endswith(IN_DATABASE)}
        with self._database.reading() as connection:
            writers = sorted(anchored.union(_writers(connection)))
            return tuple(
                damage
                for writer in writers
                for damage in _verify(connection, writer, self._anchors.heads(writer))
            )

    def anchor(self, now: float) -> tuple[Damage, ...]:
        """Remember where every chain ends; one that was cut is reported instead."""
        damages = (
            anchor_head(writer, head, self._anchors, now, _TABLE)
            for writer, head in self.heads().items()
        )
        return tuple(damage for damage in damages if damage is not None)

    def heads(self) -> dict[str, Head]:
        """Where every chain ends now."""
        with self._database.reading() as connection:
            return {writer: _head(connection, writer) for writer in _writers(connection)}

    def close(self) -> None:
        """Nothing is held open."""

    def _batch(self, last: tuple[object, ...], until: float) -> list[Row]:
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT at, writer, seq, line FROM audit_entries"
                " WHERE (at, writer, seq) > (?, ?, ?) AND at < ?"
                " ORDER BY at, writer, seq LIMIT ?",
                (*last, until, _BATCH),
            )


def _verify(connection: Connection, writer: str, anchored: dict[int, str]) -> Iterator[Damage]:
    rows = connection.execute(
        "SELECT seq, at, line FROM audit_entries WHERE writer = ? ORDER BY seq", (writer,)
    )
    lines = ((_TABLE, seq, line) for seq, _, line in rows)
    yield from verify_chain(writer, lines, anchored, _TABLE)
    for seq, at, line in rows:
        record = sound_record(line)
        if record is not None and (record.get("seq"), record["time"]) != (seq, at):
            what = "the row says another number or time than its line: a search may miss it"
            yield Damage(writer, _TABLE, seq, what)


def _writers(connection: Connection) -> tuple[str, ...]:
    return tuple(row[0] for row in connection.execute("SELECT DISTINCT writer FROM audit_entries"))


def _head(connection: Connection, writer: str) -> Head:
    """The end of a chain. An unreadable line stops no writer; verification is sure to refuse it."""
    rows = connection.execute(
        "SELECT seq, line FROM audit_entries WHERE writer = ? ORDER BY seq DESC LIMIT 1", (writer,)
    )
    if not rows:
        return genesis(writer)
    seq, line = rows[0]
    found = _HASH.search(line)
    return Head(seq, found[1] if found else "unreadable")
