"""Makes a thin segment of a whole one: errors, denials, slow traces, and a share of the rest.

Called by `tidying.py`. The thin file is written beside the whole one and takes its place by its
name (`layout.segments`), so that readers see either all or what is kept, and a crash leaves the
whole one. Of log records those stay that warn or belong to a trace that stays, and what processes
wrote outside of any trace; metric points all stay.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from fairway.telemetry.config import Retention
from fairway.telemetry.otlp.spans import NANO
from fairway.telemetry.store.layout import SegmentFile
from fairway.telemetry.store.retention import is_drawn
from fairway.telemetry.store.schema import PLACES, SEGMENT, opened_for_writing

_SLOWEST = 0.05
"""Without a limit given, this share of the traces that begin alike counts as slow."""
_FEWEST = 20
"""Of fewer traces that begin alike none is called slow."""
_COPIED = ("sources", "names", "metrics", "series", "points", "exemplars", "meta")
_KEPT_LOGS = (
    "insert into logs select * from whole.logs where level >= 2 or (trace is null and origin < 2)"
    " or trace in (select trace from traces)"
)


def thinned(file: SegmentFile, retention: Retention) -> SegmentFile:
    """The thin segment, complete on disk; the whole one is still there."""
    thin = file.thinned()
    unfinished = thin.path.with_suffix(".new")
    remove(unfinished)
    with closing(opened_for_writing(unfinished, SEGMENT)) as connection:
        connection.execute("pragma journal_mode=off")
        connection.execute("attach database ? as whole", (str(file.path),))
        slow = _slow(connection, retention)
        connection.execute("begin")
        _copy(connection, retention, slow)
        connection.execute("commit")
    unfinished.rename(thin.path)
    return thin


def remove(path: Path) -> None:
    """A database with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _slow(connection: sqlite3.Connection, retention: Retention) -> str:
    """The condition for a trace that is slow."""
    if retention.slow is not None:
        return f"stop - start > {round(retention.slow * NANO)}"
    connection.execute(_LIMITS)
    connection.execute("create unique index temp.limits_by_name on limits (name)")
    return "stop - start > (select slow from limits where limits.name = t.name)"


def _copy(connection: sqlite3.Connection, retention: Retention, slow: str) -> None:
    connection.create_function(
        "is_drawn", 1, lambda trace: is_drawn(trace, retention.rate), deterministic=True
    )
    connection.execute(
        "insert into traces select * from whole.traces t"
        f" where errors > 0 or denied > 0 or is_drawn(trace) or {slow}"
    )
    connection.execute(
        "insert into spans select s.* from traces t cross join whole.spans s"
        f" on s.id between t.id << {PLACES} and (t.id + 1 << {PLACES}) - 1"
    )
    connection.execute(_KEPT_LOGS)
    for table in _COPIED:
        connection.execute(f"insert or replace into {table} select * from whole.{table}")


_LIMITS = f"""
create temp table limits as
  with ranked as (
    select name, stop - start as duration,
      percent_rank() over (partition by name order by stop - start) as rank,
      count(*) over (partition by name) as many
    from whole.traces)
  select name, min(duration) as slow from ranked
  where rank >= {1 - _SLOWEST} and many >= {_FEWEST} group by name
"""
