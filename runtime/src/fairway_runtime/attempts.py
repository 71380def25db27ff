"""When is another attempt safe, and how long to wait for it? Pure; used by `client.py`.

Safe means that the callee cannot act twice: the method is idempotent (RFC 9110, 9.2.2), or the
call carries an idempotency key, or the attempt provably never reached the callee. Waiting is
exponential backoff with full jitter, or what `Retry-After` asks for.
"""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from dataclasses import dataclass

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
PASSING = frozenset({429, 502, 503, 504})
"""Statuses that say: not now. 500 is not among them: the same request fails the same way."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently; `attempts` counts the first one. Times in seconds."""

    attempts: int = 3
    backoff: float = 0.05
    max_backoff: float = 1.0

    def wait(self, attempt: int, retry_after: float | None, jitter: Callable[[], float]) -> float:
        """How long to wait after attempt number `attempt` (from 1); `jitter` is in [0, 1)."""
        if retry_after is not None:
            return retry_after
        ceiling: float = min(self.max_backoff, self.backoff * 2 ** (attempt - 1))
        return ceiling * jitter()


def is_safe(method: str, keyed: bool) -> bool:
    """Whether a call may be made twice."""
    return keyed or method.upper() in IDEMPOTENT


def parse_retry_after(value: str | None, now: float) -> float | None:
    """`Retry-After` (seconds or an HTTP date) in seconds from `now`; None if there is none."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None
