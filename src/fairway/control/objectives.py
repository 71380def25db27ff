"""Looks after the service level objectives: says when an error budget burns, and when it is over.

The control plane runs one for as long as its system runs. What burns is told once, as the event
`slo.burning`, stands in `fairway status` while it does, and ends with `slo.recovered`. The figures
come from the telemetry's store, so that they outlive the control plane; what was told does not: the
next control plane tells again of what still burns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fairway.control.port import Level
from fairway.errors import FairwayError
from fairway.telemetry.port import SloStatus
from fairway.telemetry.slo import about
from fairway.telemetry.slo_alerts import Burning, Change, Key, follow, key_of

INTERVAL: Final = 10.0
"""Between looks, in seconds: what requests are counted by, so that looking more often sees nothing
new."""
Say = Callable[[str, str, str, Level], None]
"""Kind, subject, message and level of an event."""
_log = logging.getLogger(__name__)


class Objectives:
    """The objectives of one environment and what was told of them. Used from one event loop."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[tuple[SloStatus, ...]]],
        say: Say,
        clock: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._say = say
        self._clock = clock
        self._burning: Mapping[Key, Burning] = {}
        self._found: tuple[SloStatus, ...] = ()

    async def watch(self, interval: float = INTERVAL) -> None:
        """Look for as long as the caller lives."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.once()
            except (FairwayError, OSError) as error:  # no telemetry now: what burned still does
                _log.info("the objectives wait: %s", error)

    async def once(self) -> None:
        """Ask, and say what is new."""
        self._found = await self._ask()
        self._burning, changes = follow(self._burning, self._found, self._clock())
        for change in changes:
            self._tell(change)

    def warnings(self) -> tuple[str, ...]:
        """What burns now, in words for `fairway status`."""
        burning = (each for each in self._found if key_of(each) in self._burning)
        return tuple(f"SLO {each.name}: {each.words}; fairway slo" for each in burning)

    def _tell(self, change: Change) -> None:
        status = change.status
        if change.kind == "burning":
            level: Level = "error" if change.severity == "critical" else "warning"
            self._say("slo.burning", status.name, f"{status.service}: {status.words}", level)
        else:
            lasted = about(self._clock() - change.since)
            words = f"{status.service}: over after {lasted}: {status.words}"
            self._say("slo.recovered", status.name, words, "info")
