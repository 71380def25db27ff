"""What is to be thinned out or deleted next, so that the store keeps to its limits. Pure.

`tidying.py` asks it after each step and does what it says. A segment that is over becomes thin when
it is older than `full`; a thin one goes when it is older than `sampled`. When the store is larger
than `size`, whole segments become thin early until thin ones take up half of the size, and then the
oldest goes: so that errors of long ago do not have to make room for all of the last minutes, nor
the last minutes for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairway.telemetry.config import Retention

_THIN_SHARE = 0.5
"""Of the size: so much thin segments may take before the oldest is deleted for others."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A segment that nothing is appended to any more. `ended_at` is Unix seconds."""

    sequence: int
    bytes: int
    ended_at: float
    thin: bool


@dataclass(frozen=True, slots=True)
class Thin:
    """Keep of this segment what is kept for long."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete this segment."""

    sequence: int


def next_step(
    stored: Sequence[Stored], others: int, retention: Retention, now: float
) -> Thin | Delete | None:
    """The next thing to do; None when all limits are kept. `others`: bytes of other files."""
    oldest_first = sorted(stored, key=lambda segment: segment.sequence)
    for segment in oldest_first:
        if now - segment.ended_at > retention.sampled:
            return Delete(segment.sequence)
    for segment in oldest_first:
        if not segment.thin and now - segment.ended_at > retention.full:
            return Thin(segment.sequence)
    if others + sum(segment.bytes for segment in stored) > retention.size:
        return _for_room(oldest_first, retention)
    return None


def _for_room(oldest_first: list[Stored], retention: Retention) -> Thin | Delete | None:
    thin = sum(segment.bytes for segment in oldest_first if segment.thin)
    whole = [segment for segment in oldest_first if not segment.thin]
    if whole and thin < retention.size * _THIN_SHARE:
        return Thin(whole[0].sequence)
    return Delete(oldest_first[0].sequence) if oldest_first else None


def is_drawn(trace_id: bytes, rate: float) -> bool:
    """Whether a trace belongs to the `rate` percent that stay: the same in every segment.

    The last bytes of a trace id are random (W3C Trace Context, level 2), so they are the draw.
    """
    return int.from_bytes(trace_id[-7:], "big") < rate / 100 * (1 << 56)
