"""Whether more spans of a trace may arrive: programs send theirs in batches, seconds apart.

The trace pages use it. Pure: the present is an argument, in Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairway.telemetry.port import TraceSummary

FRESH_SECONDS = 15.0
"""After the end of its newest span: SDKs send every five seconds, some after a retry."""
QUIET_SECONDS = 5.0
"""How long nothing has come before a trace that is looked at counts as complete."""


def is_fresh(trace: TraceSummary, now: float) -> bool:
    """Whether its newest span ended so recently that others may be under way."""
    return now - (trace.started_at + trace.duration) < FRESH_SECONDS


@dataclass(slots=True)
class Watched:
    """A trace that is looked at again and again."""

    spans: int = -1
    changed_at: float = 0.0

    def settled(self, trace: TraceSummary, now: float) -> bool:
        """Note what there is now; whether nothing more is to be expected."""
        if trace.spans != self.spans:
            self.spans, self.changed_at = trace.spans, now
        return not is_fresh(trace, now) and now - self.changed_at >= QUIET_SECONDS
