"""Steady traffic from several threads, and what came back: for tests that change things under it.

Every answer is kept with the moment its request was sent, so that a test can say what must hold
for all requests after some event, without ever sleeping and hoping.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

ORDER = {"prompt": "Does it hold?"}
PAUSE = 0.01
"""Seconds between two requests of one thread: load, but not a benchmark."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was sent and answered (monotonic seconds), and how."""

    sent: float
    done: float
    status: int
    headers: httpx2.Headers


@dataclass(slots=True)
class Traffic:
    """All answers so far; `dropped` are requests that no HTTP answer came back for."""

    answers: list[Answered] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def statuses(self, since: float = 0.0) -> set[int]:
        """Which statuses the requests got that were sent after a moment."""
        return {answer.status for answer in self.since(since)}

    def since(self, moment: float) -> list[Answered]:
        """The answers to requests that were sent after a moment."""
        return [answer for answer in list(self.answers) if answer.sent > moment]


@contextmanager
def traffic(url: str, threads: int = 4) -> Iterator[Traffic]:
    """Send orders to orbit's `/dispatch` until the block ends."""
    seen, stop = Traffic(), threading.Event()
    workers = [threading.Thread(target=_send, args=(url, seen, stop)) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield seen
    finally:
        stop.set()
        for worker in workers:
            worker.join(15)


def _send(url: str, seen: Traffic, stop: threading.Event) -> None:
    with httpx2.Client(base_url=url, timeout=10) as client:
        while not stop.wait(PAUSE):
            sent = time.monotonic()
            try:
                answer = client.post("/dispatch", json=ORDER)
            except httpx2.TransportError as error:
                seen.dropped.append(repr(error))
            else:
                seen.answers.append(
                    Answered(sent, time.monotonic(), answer.status_code, answer.headers)
                )
