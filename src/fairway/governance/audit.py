"""The audit logs of an environment together: search them, anchor them, find what was tampered with.

Every process writes its own hash chain (`fairway_runtime.policy.audit`); what a control plane keeps
in its database is chained likewise (`audit_log.py`). The control plane calls `anchor` every ten
seconds and at each policy change, which copies the head of each chain into the environment's
database; `fairway policy audit` searches and verifies. What verification detects: a changed line, a
removed or moved line, a removed segment, and, against the anchors, a chain that was cut at its end,
rewritten as a whole or deleted. Lines younger than the last anchor are protected by the chain only.
"""

from __future__ import annotations

import heapq
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fairway.storage.database import Database
from fairway_runtime.policy.audit import chain_head, segments
from fairway_runtime.policy.chain import BrokenChain, Head, follow, genesis, read

Record = dict[str, Any]
Located = tuple[str, int, str]
"""A line of a chain: its file, its number there, and the line without its newline."""
IN_DATABASE = "@database"
"""Ends the name of a writer whose chain is in a database; no file's writer has an @ in its name."""
_TIME = re.compile(r'\{"seq":[0-9]+,"time":([0-9]+(?:\.[0-9]+)?),')
"""How a line begins; a time that is written in any other way is read as a whole."""
_ALLOWED = {True: '"allowed":true', False: '"allowed":false'}
_TEXTS = (
    "kind", "principal", "service", "intent", "reason", "decision_id", "correlation_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a chain does not hold, and how; `line` counts from 1, 0 stands for the whole file."""

    writer: str
    file: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries to show; None does not filter. Times in Unix seconds, `until` excluded."""

    service: str | None = None
    intent: str | None = None
    allowed: bool | None = None
    since: float | None = None
    until: float | None = None

    def wants(self, record: Record) -> bool:
        """Whether an entry passes every filter."""
        for key, wanted in (
            ("service", self.service), ("intent", self.intent), ("allowed", self.allowed),
        ):  # fmt: skip
            if wanted is not None and record.get(key) != wanted:
                return False
        return self._within(record.get("time", 0.0))

    def may_want(self, line: str) -> bool:
        """Whether a line is worth reading: a look at its text, many times quicker than reading it.

        False only for what `wants` would not have either, written as our writers write.
        """
        if self.allowed is not None and _ALLOWED[self.allowed] not in line:
            return False
        found = _TIME.match(line)
        return found is None or self._within(float(found[1]))

    def _within(self, time: float) -> bool:
        return (self.since is None or time >= self.since) and (
            self.until is None or time < self.until
        )


class AnchorStore(Protocol):
    """Keeps the heads of the chains, apart from the chains. Anchors are never changed."""

    def add(self, writer: str, head: Head, at: float) -> None:
        """Remember that the chain of `writer` was at `head`."""

    def heads(self, writer: str) -> dict[int, str]:
        """Every anchored head of a writer: sequence number to hash."""

    def writers(self) -> tuple[str, ...]:
        """Every writer that was ever anchored, sorted."""


class SqlAnchors:
    """Anchors in the database of an environment (see `open_governance`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, writer: str, head: Head, at: float) -> None:
        """Remember a head; the same number twice keeps the first, which a rewrite must not beat."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO anchors (writer, seq, hash, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (writer, head.seq, head.hash, at),
            )

    def heads(self, writer: str) -> dict[int, str]:
        """Every anchored head of a writer: sequence number to hash."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT seq, hash FROM anchors WHERE writer = ?", (writer,))
            return dict(rows)

    def writers(self) -> tuple[str, ...]:
        """Every writer that was ever anchored, sorted."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT DISTINCT writer FROM anchors")
            return tuple(sorted(row[0] for row in rows))


class MemoryAnchors:
    """Anchors that last as long as the process: for tests."""

    def __init__(self) -> None:
        self._heads: dict[str, dict[int, str]] = {}

    def add(self, writer: str, head: Head, at: float) -> None:  # noqa: ARG002 - the port's shape
        """Remember a head; the same number twice keeps the first."""
        self._heads.setdefault(writer, {}).setdefault(head.seq, head.hash)

    def heads(self, writer: str) -> dict[int, str]:
        """Every anchored head of a writer: sequence number to hash."""
        return dict(self._heads.get(writer, {}))

    def writers(self) -> tuple[str, ...]:
        """Every writer that was ever anchored, sorted."""
        return tuple(sorted(self._heads))


def anchor(folder: Path, anchors: AnchorStore, now: float) -> tuple[Damage, ...]:
    """Anchor the head of every chain; a chain shorter than its last anchor is reported instead."""
    damages = (
        anchor_head(writer, chain_head(folder, writer), anchors, now, f"{writer}.jsonl")
        for writer in chain_writers(folder)
    )
    return tuple(damage for damage in damages if damage is not None)


def anchor_head(
    writer: str, head: Head, anchors: AnchorStore, now: float, file: str
) -> Damage | None:
    """Anchor the head of one chain, or say that it is shorter than its last anchor."""
    known = anchors.heads(writer)
    if head.seq < max(known, default=0):
        return _too_short(writer, file, head.seq, max(known))
    if head.seq and head.seq not in known:
        anchors.add(writer, head, now)
    return None


def verify(folder: Path, anchors: AnchorStore) -> tuple[Damage, ...]:
    """Everything that is wrong with the chains in a folder; empty when all of them hold."""
    anchored = (writer for writer in anchors.writers() if not writer.endswith(IN_DATABASE))
    return tuple(
        damage
        for writer in sorted({*chain_writers(folder), *anchored})
        for damage in verify_chain(
            writer, _located(folder, writer), anchors.heads(writer), f"{writer}.jsonl"
        )
    )


def search(folder: Path, query: Query) -> Iterator[Record]:
    """The entries that a query wants, by time across all writers, each with its `writer`.

    A line that no writer of ours can have written is left out here; `verify` reports it.
    """
    streams = [_records(folder, writer, query) for writer in chain_writers(folder)]
    merged = heapq.merge(*streams, key=lambda record: float(record.get("time", 0.0)))
    return (record for record in merged if query.wants(record))


def chain_writers(folder: Path) -> tuple[str, ...]:
    """The writers that have files in a folder, sorted."""
    return tuple(sorted({path.stem.partition("@")[0] for path in folder.glob("*.jsonl")}))


def verify_chain(
    writer: str, lines: Iterable[Located], anchored: Mapping[int, str], file: str
) -> Iterator[Damage]:
    """Everything that is wrong with one chain; `file` stands for the whole of it."""
    head = genesis(writer)
    for place, number, line in lines:
        try:
            _, head = follow(head, line)
        except BrokenChain as broken:
            yield Damage(writer, place, number, str(broken))
            head = _claimed(line, head)
        if anchored.get(head.seq, head.hash) != head.hash:
            yield Damage(
                writer, place, number, "the chain was rewritten: it differs from its anchor"
            )
    last = max(anchored, default=0)
    if head.seq < last:
        yield _too_short(writer, file, head.seq, last)


def _too_short(writer: str, file: str, found: int, anchored: int) -> Damage:
    what = f"the chain was cut: it ends at {found}, and was anchored at {anchored}"
    return Damage(writer, file, 0, what)


def _claimed(line: str, head: Head) -> Head:
    """Where to go on after a broken line, so that one break is not reported for every line."""
    try:
        record = read(line)
        return Head(int(record["seq"]), str(record["hash"]))
    except (BrokenChain, KeyError, TypeError, ValueError, OverflowError):
        return Head(head.seq + 1, "")


def _records(folder: Path, writer: str, query: Query) -> Iterator[Record]:
    for path in segments(folder, writer):
        for _, line in _lines(path):
            record = sound_record(line) if query.may_want(line) else None
            if record is not None:
                yield {**record, "writer": writer}


def sound_record(line: str) -> Record | None:
    """The entry on a line, None for one that no writer of ours can have written."""
    try:
        record = read(line)
    except BrokenChain:
        return None
    return record if _is_sound(record) else None


def _is_sound(record: Record) -> bool:
    """Whether an entry has the types that it was written with: a forged one must not stop a search.

    Half a surrogate pair, which JSON can spell and UTF-8 cannot, counts as forged too.
    """
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    policies = record.get("policies", [])
    return (
        all(isinstance(record.get(key, ""), str) for key in _TEXTS)
        and all(type(record.get(key, 0)) is int for key in ("seq", "policy_set"))
        and type(record.get("time")) in (int, float)
        and math.isfinite(record["time"])
        and record.get("allowed") in (True, False, None)
        and isinstance(policies, list)
        and all(isinstance(name, str) for name in policies)
    )


def _located(folder: Path, writer: str) -> Iterator[Located]:
    for path in segments(folder, writer):
        for number, line in _lines(path):
            yield path.name, number, line


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    """The whole lines of a file with their numbers; a line still being written is left out."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.endswith("\n"):
                yield number, line[:-1]
