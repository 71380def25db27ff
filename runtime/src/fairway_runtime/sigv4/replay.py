"""Which nonces were seen: a repeated request is refused.

Bounded in time and in memory without ever forgetting too early. Nonces are kept by the second
that their request is dated; a second that has left the accepted window is dropped whole. When
`entries` is reached before that, the oldest second is dropped and everything dated at or before
it is refused from then on: under extreme load the accepted window shrinks, never the protection.

Limits: the memory is this process's. A request replayed at another replica within the window is
accepted there once, and a restart forgets; calls that must not happen twice carry an idempotency
key. Entries are 64-bit hashes (keyed per process), about 100 bytes each; a false refusal has a
probability of about 1e-14 per request at the default size.
"""

from __future__ import annotations

DEFAULT_ENTRIES = 250_000


class ReplayCache:
    """Remembers (key id, nonce) pairs for as long as their request's date is acceptable."""

    def __init__(self, window: int = 300, entries: int = DEFAULT_ENTRIES) -> None:
        if entries < 1:
            raise ValueError(f"entries is {entries}; a replay cache needs room for at least one")
        self._window = window
        self._entries = entries
        self._seconds: dict[int, set[int]] = {}
        self._count = 0
        self._floor = -1
        self._next_expiry = 0

    def __len__(self) -> int:
        return self._count

    @property
    def floor(self) -> int:
        """The newest second whose nonces were dropped for lack of room; -1 for none."""
        return self._floor

    def first_use(self, key_id: str, nonce: str, dated: int, now: float) -> bool:
        """Record a nonce; False if it was used before or its date is no longer remembered."""
        if now >= self._next_expiry:
            self._expire(int(now))
        if dated <= self._floor:
            return False
        seen = self._seconds.get(dated)
        if seen is None:
            seen = self._seconds[dated] = set()
        entry = hash((key_id, nonce))
        if entry in seen:
            return False
        seen.add(entry)
        self._count += 1
        if self._count > self._entries:
            self._make_room()
            return dated > self._floor
        return True

    def _expire(self, now: int) -> None:
        self._next_expiry = now + 1
        oldest = now - self._window
        for dated in [dated for dated in self._seconds if dated < oldest]:
            self._count -= len(self._seconds.pop(dated))

    def _make_room(self) -> None:
        while self._count > self._entries:
            oldest = min(self._seconds)
            self._count -= len(self._seconds.pop(oldest))
            self._floor = max(self._floor, oldest)
