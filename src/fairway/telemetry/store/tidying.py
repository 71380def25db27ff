"""Keeps the store within its limits: does what `retention.py` says, a little at a time.

Called by the writer about once a minute, on its thread. Deleting is quick, so all that is due is
deleted at once; of thinning, which reads a whole segment, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from fairway.telemetry.config import Retention
from fairway.telemetry.store.layout import SegmentFile, segments, segments_folder, size_of
from fairway.telemetry.store.retention import Delete, Stored, Thin, next_step
from fairway.telemetry.store.sealing import ended_at
from fairway.telemetry.store.thinning import remove, thinned


class Tidying:
    """Looks after the segments of a folder but the one that is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ended: dict[int, float] = {}

    def keep(self, retention: Retention, now: float, current: int) -> None:
        """Thin out and delete what is due. `current` is the segment that is being written."""
        self._remove_leftovers()
        while True:
            files = {file.sequence: file for file in segments(self._folder)}
            stored = list(self._stored(files.values(), current))
            others = size_of(self._folder) - sum(segment.bytes for segment in stored)
            match next_step(stored, others, retention, now):
                case Delete(sequence):
                    remove(files[sequence].path)
                case Thin(sequence):
                    thinned(files[sequence], retention)
                    remove(files[sequence].path)
                    return
                case None:
                    return

    def _stored(self, files: Iterable[SegmentFile], current: int) -> Iterator[Stored]:
        for file in files:
            if file.sequence == current:
                continue
            if file.sequence not in self._ended:
                ended = ended_at(file)
                if ended is None:
                    continue
                self._ended[file.sequence] = ended
            with suppress(FileNotFoundError):
                size = sum(path.stat().st_size for path in _files_of(file.path))
                yield Stored(file.sequence, size, self._ended[file.sequence], file.thin)

    def _remove_leftovers(self) -> None:
        """What a crash while thinning left: an unfinished file, or a whole one beside its thin."""
        folder = segments_folder(self._folder)
        for unfinished in folder.glob("*.new*"):
            unfinished.unlink(missing_ok=True)
        chosen = {file.path for file in segments(self._folder)}
        for path in folder.glob("r*.db"):
            if path not in chosen:
                remove(path)


def _files_of(path: Path) -> list[Path]:
    return [found for found in path.parent.glob(f"{path.name}*") if found.suffix != ".new"]
