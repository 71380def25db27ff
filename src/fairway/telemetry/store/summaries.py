"""What is known of a trace while its spans arrive: pure, one `OpenTrace` per trace of a segment."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

_HAS_PARENT = 1 << 62
"""Added to the start of a span below another: the first root names the trace, else the earliest."""
COLUMNS = "id, trace, start, stop, spans, errors, denied, rank, name, source, members"
UPPERS = tuple(round(digit * 10.0**power, 9) for power in range(-4, 4) for digit in (1, 2, 5))
"""Seconds up to which the durations of a list of traces are counted together."""
_UPPERS_NANO = [round(upper * 1e9) for upper in UPPERS]


@dataclass(slots=True)
class OpenTrace:
    """A row of `traces`. `number` is its id in the segment, times are Unix nanoseconds."""

    number: int
    trace: bytes
    start: int = 0
    stop: int = 0
    spans: int = 0
    errors: int = 0
    denied: int = 0
    rank: int = 1 << 63
    name: int = 0
    source: int = 0
    members: set[int] = field(default_factory=set)
    changed: bool = False

    def add(self, start: int, stop: int, root: bool, name: int, source: int) -> int:
        """Count a span in; its place within the trace."""
        place = self.spans
        if not place or start < self.start:
            self.start = start
        if stop > self.stop:  # noqa: PLR1730 - max() costs five times as much
            self.stop = stop
        rank = start if root else start + _HAS_PARENT
        if rank < self.rank:
            self.rank, self.name, self.source = rank, name, source
        self.members.add(source)
        self.spans = place + 1
        return place

    def row(self) -> tuple[Any, ...]:
        """As `COLUMNS`, and the bucket of its duration."""
        return (
            self.number, self.trace, self.start, self.stop, self.spans, self.errors, self.denied,
            self.rank, self.name, self.source, members_text(self.members),
            bucket_of(self.stop - self.start),
        )  # fmt: skip

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> OpenTrace:
        """What `row` gave."""
        number, trace, *_ = row
        start, stop, spans, errors, denied, rank, name, source = row[2:10]
        members = members_of(row[10])
        return cls(
            number, trace, start, stop, spans, errors, denied, rank, name, source, members
        )  # fmt: skip


def bucket_of(duration: int) -> int:
    """The place in `UPPERS` that a duration in nanoseconds is counted in; the last has no end."""
    return min(bisect_left(_UPPERS_NANO, duration), len(UPPERS) - 1)


def members_text(members: set[int]) -> str:
    """`,2,5,`: each one is found as `,2,`."""
    return f",{','.join(map(str, sorted(members)))},"


def members_of(text: str) -> set[int]:
    """What `members_text` gave."""
    return {int(part) for part in text.split(",") if part}
