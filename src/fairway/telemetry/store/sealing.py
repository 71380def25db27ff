"""A segment's end: nothing is appended any more, what it holds is noted, one file is left.

The writer seals its segment before it begins another, and what a killed writer left behind.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from fairway.telemetry.store.layout import SegmentFile, segments
from fairway.telemetry.store.schema import SEGMENT, opened_for_reading, opened_for_writing


def seal_leftovers(folder: Path, current: int) -> None:
    """Segments that a killed writer did not finish: nothing will be appended to them."""
    for file in segments(folder):
        if file.sequence == current:
            continue
        with suppress(sqlite3.Error):
            if ended_at(file) is None:
                seal(file)


def seal(file: SegmentFile) -> None:
    """Note what is in a segment, and leave a single file."""
    at = file.path.stat().st_mtime
    with closing(opened_for_writing(file.path, SEGMENT)) as connection:
        mark_sealed(connection, at)


def mark_sealed(connection: sqlite3.Connection, at: float) -> None:
    """Note when a segment ended and what times it holds."""
    first, last, longest, errors, denied = connection.execute(
        "select min(start), max(start), max(stop - start), sum(errors > 0 and denied = 0),"
        " sum(denied > 0) from traces"
    ).fetchone()
    first_log, last_log = connection.execute("select min(at), max(at) from logs").fetchone()
    values = {
        "sealed_at": at, "first_start": first, "last_start": last, "longest": longest,
        "errors": errors, "denied": denied, "first_log": first_log, "last_log": last_log,
    }  # fmt: skip
    connection.executemany("insert or replace into meta values (?, ?)", values.items())
    with suppress(sqlite3.OperationalError):  # a reader is at it: then its log stays beside it
        connection.execute("pragma journal_mode=delete")


def ended_at(file: SegmentFile) -> float | None:
    """When a segment was sealed, Unix seconds; None if it was not, or is gone.

    A file that cannot be read ended when it was written last: so that it goes when it is its time.
    """
    connection = opened_for_reading(file.path, SEGMENT)
    if connection is None:
        with suppress(FileNotFoundError):
            return file.path.stat().st_mtime
        return None
    with closing(connection):
        row = connection.execute("select value from meta where key = 'sealed_at'").fetchone()
    return None if row is None else float(row[0])
