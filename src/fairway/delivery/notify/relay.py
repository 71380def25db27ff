"""Tells every listener what happened: at least once, in order per deployment, each on its own.

The control plane runs one relay for each environment; several servers may run one for the same.
A listener that fails is tried again with growing pauses and held against nobody else; after
`ATTEMPTS` its notice becomes a dead letter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fairway.delivery.events import cloud_event
from fairway.delivery.notify.outbox import Notice, Outbox
from fairway.delivery.notify.sink import Sink
from fairway.errors import FairwayError, Refused

ATTEMPTS = 12
"""With the pauses below: over an hour from the first attempt to the last."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 3600.0
INTERVAL = 0.5
"""Seconds between looks for something to tell, while there is nothing."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """What the relay takes from outside: Unix seconds, and a random number from 0 to 1."""

    clock: Callable[[], float]
    random: Callable[[], float]


class Relay:
    """The relay of one environment; `place` is its app and its name."""

    def __init__(
        self,
        place: tuple[str, str],
        outbox: Outbox,
        sinks: Sequence[Sink],
        outside: Outside,
        interval: float = INTERVAL,
    ) -> None:
        self._place = place
        self._outbox = outbox
        self._sinks = sinks
        self._outside = outside
        self._interval = interval

    async def prepare(self) -> None:
        """Make the listeners known: from here on they miss nothing."""
        for sink in self._sinks:
            await asyncio.to_thread(self._outbox.take_up, sink.name, sink.wants)

    async def run(self) -> None:
        """Tell, until cancelled."""
        await self.prepare()
        try:
            async with asyncio.TaskGroup() as group:
                for sink in self._sinks:
                    group.create_task(self._serve(sink))
        finally:
            for sink in self._sinks:
                await sink.close()

    async def _serve(self, sink: Sink) -> None:
        while True:
            try:
                busy = await self._round(sink)
            except FairwayError as error:
                # The database is away: events wait there, and so do we.
                _log.warning("notifications wait: %s", error.message)
                busy = False
            if not busy:
                await asyncio.sleep(self._interval)

    async def _round(self, sink: Sink) -> bool:
        await asyncio.to_thread(self._outbox.take_up, sink.name, sink.wants)
        now = self._outside.clock()
        notices = await asyncio.to_thread(self._outbox.claim, sink.name, now)
        await asyncio.gather(*(self._deliver(sink, notice) for notice in notices))
        return bool(notices)

    async def _deliver(self, sink: Sink, notice: Notice) -> None:
        number = notice.event.id
        try:
            await sink.send(cloud_event(*self._place, notice.event))
        except FairwayError as error:
            final = isinstance(error, Refused)
            await self._note_failure(sink, notice, error.message, final)
        except Exception as error:  # noqa: BLE001 - a defect in one sink must not silence the others
            await self._note_failure(sink, notice, f"a defect: {type(error).__name__}", False)
        else:
            await asyncio.to_thread(self._outbox.delivered, sink.name, number)

    async def _note_failure(self, sink: Sink, notice: Notice, words: str, final: bool) -> None:
        attempt = notice.attempts + 1
        due: float | None = None
        if not final and attempt < ATTEMPTS:
            due = self._outside.clock() + pause(attempt, self._outside.random())
        else:
            _log.warning("event %s is a dead letter of %s: %s", notice.event.id, sink.name, words)
        await asyncio.to_thread(self._outbox.failed, sink.name, notice.event.id, words, due)


def pause(attempt: int, random: float) -> float:
    """Seconds after the nth attempt: doubling, up to a half less lest all come at once.

    `random` is from 0 to 1. Pure.
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1))
    return longest * (1.0 - random / 2.0)
