"""Where both servers bring what arrives: it is checked, queued for the store, and forwarded.

`http.py` calls it from the event loop and its helper threads, `grpc_server.py` from its own
threads. It guarantees that nobody waits: when the store is behind by `capacity` bytes, requests are
refused with `Unavailable` until there is room again.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fairway.errors import InvalidInput, Unavailable
from fairway.telemetry.receiver.parcels import Parcel, inflated, parcel, parcel_of_json
from fairway.telemetry.receiver.replies import Signal

CAPACITY: Final = 32 * 2**20
LARGEST: Final = 8 * 2**20
"""Bytes of one request, unpacked."""
_ITEMS: Final = {"traces": "spans", "metrics": "points", "logs": "records"}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came: what is forwarded is exactly this."""

    signal: Signal
    body: bytes
    json: bool = False
    gzip: bool = False


class TooLarge(InvalidInput):
    """A request is larger than any sender of telemetry makes them."""

    def __init__(self) -> None:
        super().__init__(
            "export-too-large",
            f"one request may have {LARGEST // 2**20} MiB, unpacked",
            remedy="send smaller batches",
        )


class Counts:
    """What happened since the start. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, count: int = 1, of: str = "") -> None:
        """Count; `of` says which kind."""
        if count:
            with self._lock:
                self._counts[what, of] += count

    def total(self, what: str) -> int:
        """How many there were, of all kinds."""
        with self._lock:
            return sum(count for (name, _), count in self._counts.items() if name == what)

    def by_kind(self, what: str) -> dict[str, int]:
        """How many there were, by kind."""
        with self._lock:
            return {of: n for (name, of), n in sorted(self._counts.items()) if name == what}


class Room:
    """How many bytes may be held at once. Safe to use from several threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._capacity = capacity
        self.held = 0

    def take(self, size: int) -> bool:
        """Whether there is room for so much; then it is taken."""
        with self._lock:
            if self.held + size > self._capacity:
                return False
            self.held += size
            return True

    def give_back(self, size: int) -> None:
        """What was taken is free again."""
        with self._lock:
            self.held -= size


class Reception:
    """Checks, queues, forwards. `forward` gets every request that was taken, as it came."""

    def __init__(
        self, room: Room, counts: Counts, forward: Callable[[Arrived], None] | None = None
    ) -> None:
        self.room = room
        self.counts = counts
        self.forward = forward
        self._parcels: queue.SimpleQueue[Parcel] = queue.SimpleQueue()

    def accept(self, arrived: Arrived) -> Parcel:
        """Take a request. InvalidInput when it cannot be read, Unavailable when there is no room.

        An empty request is good, and forgotten at once.
        """
        found = self._checked(arrived)
        self.counts.add("rejected", found.rejected)
        if found.items:
            if not self.room.take(len(found.body)):
                raise self.refusal(arrived.signal)
            self._parcels.put(found)
            self.counts.add("received", found.items, _ITEMS[found.signal])
        if self.forward is not None:
            self.forward(arrived)
        return found

    def refusal(self, signal: Signal) -> Unavailable:
        """Count that a request is refused; the error says why."""
        self.counts.add("shed", of=signal)
        return Unavailable(
            "telemetry-overloaded",
            "more telemetry arrives than can be stored",
            remedy="try again in a second; sample, or send less, if it goes on",
        )

    def next(self, patience: float) -> Parcel | None:
        """What waits the longest; None when nothing comes for so long. For the store's thread."""
        try:
            return self._parcels.get(timeout=patience) if patience > 0 else self._waiting()
        except queue.Empty:
            return None

    def _waiting(self) -> Parcel:
        return self._parcels.get_nowait()

    def stored(self, done: Parcel) -> None:
        """A parcel needs no room any more."""
        self.room.give_back(len(done.body))

    def _checked(self, arrived: Arrived) -> Parcel:
        try:
            body = _unpacked(arrived)
            return (parcel_of_json if arrived.json else parcel)(arrived.signal, body)
        except InvalidInput:
            self.counts.add("damaged")
            raise


def _unpacked(arrived: Arrived) -> bytes:
    body = inflated(arrived.body, LARGEST) if arrived.gzip else arrived.body
    if body is None or len(body) > LARGEST:
        raise TooLarge
    return body
