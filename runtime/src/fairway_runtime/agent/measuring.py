"""Reports of one task: to the table every few seconds, to CloudWatch every minute.

Used by `running.py`. A report that does not get through is made up for by the next one, because
totals only grow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fairway_runtime.agent.cloud import Away, Cloud
from fairway_runtime.agent.envoy import Admin
from fairway_runtime.agent.reporting import State, metrics, row
from fairway_runtime.agent.settings import AgentSettings
from fairway_runtime.agent.telling import Trouble
from fairway_runtime.agent.totals import Totals, counted, statistics_filter

_METRICS_EVERY = 60.0
_SIGN_OF_LIFE = 60.0
"""Seconds after which a task that has nothing new to tell does so all the same."""


class Reporter:
    """The totals of one task. `state` tells what is in force."""

    def __init__(
        self, settings: AgentSettings, cloud: Cloud, admin: Admin, state: Callable[[], State]
    ) -> None:
        self._settings, self._cloud, self._admin, self._state = settings, cloud, admin, state
        own = f"cluster.replicas.{settings.version}"
        self._prefix = "http.gateway" if settings.is_gateway else own
        self._seen, self._totals, self._sent = Totals(), Totals(), Totals()
        self._told: tuple[State, Totals] | None = None
        self._told_at = 0.0
        self._looking = asyncio.Lock()

    async def report(self) -> None:
        """Every few seconds if there is something new, else now and then; for ever."""
        if self._settings.table:
            await _every(self._settings.report, Trouble("report"), self._send_news)

    async def measure(self) -> None:
        """Every minute, for ever."""
        if self._settings.namespace:
            await _every(_METRICS_EVERY, Trouble("send metrics"), self._send_metrics)

    async def send(self) -> None:
        """One report; Away when it did not get through."""
        await self._look()
        news = (self._state(), self._totals)
        item = row(self._settings, self._settings.task, *news, time.time())
        await asyncio.to_thread(self._cloud.report, self._settings.table, item)
        self._told, self._told_at = news, time.monotonic()

    async def _send_news(self) -> None:
        await self._look()
        quiet = self._told == (self._state(), self._totals)
        if not quiet or time.monotonic() - self._told_at > _SIGN_OF_LIFE:
            await self.send()

    async def _send_metrics(self) -> None:
        await self._look()
        now = self._totals
        if data := metrics(self._settings, now.since(self._sent)):
            await asyncio.to_thread(self._cloud.metrics, self._settings.namespace, data)
        self._sent = now

    async def _look(self) -> None:
        # One after the other: an older answer after a newer one would look like a fresh start.
        async with self._looking:
            statistics = await self._admin.detailed(statistics_filter(self._prefix))
            now = counted(statistics, self._prefix)
            self._totals = self._totals.plus(now.since(self._seen))
            self._seen = now


async def _every(seconds: float, trouble: Trouble, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except (OSError, EOFError, ValueError, TimeoutError, Away) as error:
            trouble.is_there(str(error) or type(error).__name__)
        else:
            trouble.is_over()
        await asyncio.sleep(seconds)
