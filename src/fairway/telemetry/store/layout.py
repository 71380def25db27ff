"""Which files the store is made of, and how they are named.

<folder>/segments/r000003-000012.db        spans, logs, metric points of run 3; the 12th segment
<folder>/segments/r000003-000011-thin.db   the 11th, thinned: takes the place of the whole one
<folder>/rollups.db                        the list of runs; requests in steps
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"r(\d{6,})-(\d{6,})(-thin)?\.db")
_ROWS = 30
"""Bits of a log record's id that count within its segment; together they stay below 2**53, the
largest integer that JavaScript knows."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """One file. Sequence numbers grow over all runs."""

    path: Path
    run: int
    sequence: int
    thin: bool = False

    def thinned(self) -> SegmentFile:
        """The file that takes its place when it is thinned out."""
        path = self.path.with_name(f"{self.path.stem}-thin.db")
        return SegmentFile(path, self.run, self.sequence, thin=True)

    @property
    def most_rows(self) -> int:
        """More log records than any segment has."""
        return 1 << _ROWS

    def log_id(self, row: int) -> int:
        """The id of a record: grows with its segment and within it."""
        return (self.sequence << _ROWS) | row

    def first_row(self, log_id: int) -> int:
        """The row of this segment behind which everything has a greater id than `log_id`."""
        return min(max(log_id - (self.sequence << _ROWS), -1), 1 << _ROWS)


def segments_folder(folder: Path) -> Path:
    """Where the segments are."""
    return folder / "segments"


def rollups_file(folder: Path) -> Path:
    """Where requests in steps and the list of runs are."""
    return folder / "rollups.db"


def segment_file(folder: Path, run: int, sequence: int, *, thin: bool = False) -> SegmentFile:
    """A segment's name."""
    name = f"r{run:06d}-{sequence:06d}{'-thin' if thin else ''}.db"
    return SegmentFile(segments_folder(folder) / name, run, sequence, thin)


def segments(folder: Path) -> list[SegmentFile]:
    """All segments, the oldest first; of a thinned one and its whole only the thinned."""
    found: dict[int, SegmentFile] = {}
    for path in sorted(segments_folder(folder).glob("r*.db")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        file = SegmentFile(path, int(match[1]), int(match[2]), match[3] is not None)
        if file.sequence not in found or file.thin:
            found[file.sequence] = file
    return [found[sequence] for sequence in sorted(found)]


def size_of(folder: Path) -> int:
    """Bytes on disk of everything in the store."""
    total = 0
    for path in folder.rglob("*.db*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
