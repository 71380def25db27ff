"""What happened, in order, for everyone who watches: the terminal, `up -d`, the API's stream.

The control plane owns one `EventLog`. Guarantees: ids grow by one; a slow watcher never holds up
the system nor loses an event that is still kept; a watcher that comes late can ask for the past.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

from fairway.control.port import Event, Level

KEPT = 10_000
"""How many events are kept for watchers that come late."""


class EventLog:
    """The events of one control plane. Used from one event loop."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._last = 0
        self._closed = False
        self._changed = asyncio.Event()

    def add(self, kind: str, subject: str, message: str, level: Level = "info") -> None:
        """Tell everyone. `kind` is dotted (`service.healthy`); `subject` may be empty."""
        self._last += 1
        self._events.append(Event(self._last, self._clock(), kind, subject, message, level))
        self._wake()

    def close(self) -> None:
        """Nothing more will happen: `follow` ends once it has given what there is."""
        self._closed = True
        self._wake()

    async def follow(self, after: int | None = None) -> AsyncIterator[Event]:
        """Events with an id above `after` (None: from now on), until the log is closed."""
        seen = self._last if after is None else after
        while True:
            changed = self._changed
            fresh = [event for event in self._events if event.id > seen]
            for event in fresh:
                seen = event.id
                yield event
            if fresh:
                continue
            if self._closed:
                return
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
