"""Which allows the audit log keeps, so that a busy service does not write one for every request.

The audit writer asks for each allow; denials and policy changes are never asked about. Up to `rate`
a second every allow is kept, so whoever has little traffic sees all of it; beyond that a `share`.
What is left out is counted, and the count goes into the next entry that is kept.
"""

from __future__ import annotations

import zlib


def sampled(decision_id: str, share: float) -> bool:
    """Whether an allow with this id is in the sample of `share` (0 to 1): everywhere the same."""
    return share >= 1 or zlib.crc32(decision_id.encode()) < share * 2**32


class AllowSample:
    """Decides allow by allow. Not safe between threads: the writer calls it under its lock."""

    __slots__ = ("_rate", "_second", "_seen", "_share", "left_out")

    def __init__(self, share: float, rate: int = 0) -> None:
        self._share = share
        self._rate = rate
        self._second = 0
        self._seen = 0
        self.left_out = 0
        """Allows left out since the last entry that was written."""

    def keeps(self, decision_id: str, now: float) -> bool:
        """Whether to write this allow; if not, it is counted."""
        second = int(now)
        if second != self._second:
            self._second, self._seen = second, 0
        self._seen += 1
        if self._seen <= self._rate or sampled(decision_id, self._share):
            return True
        self.left_out += 1
        return False
