"""Whom an environment tells: the listeners of the release in force, kept told while it is open.

Each control plane has one `Listening` for each environment that it delivers to, on one machine as
on a server. Where another release names others, the relay is replaced; what was not delivered yet
waits in the outbox, also across restarts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from fairway.delivery.notify.listeners import sinks
from fairway.delivery.notify.outbox import Outbox
from fairway.delivery.notify.relay import Outside, Relay
from fairway.delivery.notify.sink import SecretOf, Sink
from fairway.delivery.port import DeadLetter
from fairway.model.notify import Notification


class Listening:
    """The relay of one environment; `place` is its app and its name."""

    def __init__(
        self,
        place: tuple[str, str],
        outbox: Outbox,
        secret_of: SecretOf,
        clock: Callable[[], float],
    ) -> None:
        self._place = place
        self._outbox = outbox
        self._secret_of = secret_of
        self._clock = clock
        self._listeners: tuple[Notification, ...] = ()
        self._relaying: asyncio.Task[None] | None = None

    async def follow(self, listeners: tuple[Notification, ...], *, first: bool = False) -> None:
        """Tell these from now on; the same ones again changes nothing.

        Those that come with the `first` deployment are told also what has happened already: they
        were declared by the very deployment that they are to be told of.
        """
        if listeners == self._listeners:
            return
        await self.stop()
        made = sinks(listeners, self._secret_of, self._clock)
        # Jitter, no secret: any random number will do.
        if first:
            await asyncio.to_thread(self._register, made)
        relay = Relay(self._place, self._outbox, made, Outside(self._clock, random.random))
        await relay.prepare()
        self._relaying = asyncio.create_task(relay.run())
        self._listeners = listeners

    def _register(self, made: tuple[Sink, ...]) -> None:
        for sink in made:
            self._outbox.register(sink.name, from_the_beginning=True)

    async def stop(self) -> None:
        """Tell nobody any more; what is left to tell waits."""
        self._listeners = ()
        if self._relaying is not None:
            self._relaying.cancel()
            with suppress(asyncio.CancelledError):
                await self._relaying
            self._relaying = None

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """What could not be delivered, the oldest first."""
        return await asyncio.to_thread(self._outbox.dead_letters)
