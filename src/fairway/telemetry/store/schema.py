"""The tables of a segment and of the rollups, and how such files are opened.

Why the tables are as they are (docs/decisions/0019-telemetry-store.md):

- A span's row id is its trace's number and its place in the trace, so that the spans of a trace lie
  side by side without a second index, and inserts go to the end of the tree.
- A span keeps its protobuf as it came; only what is filtered on is a column.
- What repeats (resources, names) is stored once per segment.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fairway.errors import Conflict

PLACES = 20
"""Bits of a span's row id for its place within the trace."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a kind of file. A file of another format is left alone."""

    format: int
    tables: str


SEGMENT = Schema(
    2,
    """
create table meta (key text primary key, value) without rowid;
create table sources (
  id integer primary key, service text not null, version text not null, instance text not null,
  sidecar integer not null, resource blob not null);
create table names (id integer primary key, text text not null unique);
create table traces (
  id integer primary key, trace blob not null unique, start integer not null, stop integer not null,
  spans integer not null, errors integer not null, denied integer not null, rank integer not null,
  name integer not null, source integer not null, members text not null, bucket integer not null);
create index traces_by_start on traces (start, bucket, errors, denied);
create index traces_in_trouble on traces (start) where errors > 0 or denied > 0;
create table spans (
  id integer primary key, source integer not null, scope integer not null, name integer not null,
  span blob not null);
create table logs (
  id integer primary key, at integer not null, source integer not null, origin integer not null,
  level integer not null, text text not null, attributes text not null,
  trace blob, span blob, correlation text);
create index logs_by_trace on logs (trace) where trace is not null;
create index logs_by_correlation on logs (correlation) where correlation is not null;
create index logs_in_trouble on logs (id) where level >= 2;
create table metrics (
  id integer primary key, name text not null, kind text not null, unit text not null,
  description text not null, monotonic integer not null, cumulative integer not null);
create index metrics_by_name on metrics (name);
create table series (
  id integer primary key, metric integer not null, source integer not null,
  attributes text not null);
create index series_by_metric on series (metric);
create table points (
  series integer not null, at integer not null, start integer not null, value real not null,
  count integer not null, buckets text not null, primary key (series, at)) without rowid;
create table exemplars (
  series integer not null, at integer not null, value real not null, trace blob not null,
  span blob not null);
create index exemplars_by_series on exemplars (series, at);
""",
)
ROLLUPS = Schema(
    1,
    """
create table if not exists runs (
  number integer primary key, started_at real not null, last_at real not null);
create table if not exists edges (
  id integer primary key, caller text not null, service text not null, version text not null,
  intent text not null, unique (caller, service, version, intent));
create table if not exists requests (
  step integer not null, at integer not null, edge integer not null, run integer not null,
  requests integer not null, errors integer not null, denied integer not null,
  retried integer not null, broken integer not null, seconds real not null, buckets text not null,
  primary key (step, at, edge, run)) without rowid;
""",
)


def opened_for_writing(path: Path, schema: Schema) -> sqlite3.Connection:
    """A file that one process writes while others read. New tables are made if there are none.

    Conflict if it is of another release's format.
    """
    # A new folder or file is its owner's alone: telemetry holds what requests carried.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    for pragma in _PRAGMAS:
        connection.execute(f"pragma {pragma}")
    found = connection.execute("pragma user_version").fetchone()[0]
    if found == 0:
        tables = f"begin;{schema.tables}pragma user_version={schema.format};commit;"
        connection.executescript(tables)
    elif found != schema.format:
        connection.close()
        raise Conflict(
            "telemetry-format",
            "the telemetry of another release of Fairway is stored there",
            where=str(path),
            remedy="use that release, or delete the folder telemetry/ of this environment",
        )
    return connection


_PRAGMAS = (
    "journal_mode=wal",
    "synchronous=normal",  # a power failure may cost the last second, never the file
    "secure_delete=off",
    "cache_size=-32000",
    "wal_autocheckpoint=4000",
    "journal_size_limit=33554432",
    "temp_store=memory",
)


def opened_for_reading(path: Path, schema: Schema) -> sqlite3.Connection | None:
    """The same file for a reader; None if it is gone by now (retention deletes files)."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None,
            check_same_thread=False, timeout=5,
        )  # fmt: skip
        connection.execute("pragma cache_size=-8000")
        if connection.execute("pragma user_version").fetchone()[0] != schema.format:
            connection.close()
            return None
    except sqlite3.DatabaseError:  # gone, or none of ours
        return None
    return connection
