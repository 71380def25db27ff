"""The life of an agent: start Envoy with an identity and files, keep them fresh, report, drain.

It is PID 1 of its container and Envoy is its child: when either ends the container does, and ECS
starts the task anew. While AWS is away everything goes on with what there is.
"""

from __future__ import annotations

import asyncio

from fairway_runtime.agent.cloud import Away, Cloud
from fairway_runtime.agent.envoy import Envoy, Rejected
from fairway_runtime.agent.following import Follower
from fairway_runtime.agent.measuring import Reporter
from fairway_runtime.agent.probing import hand_out_probe
from fairway_runtime.agent.reporting import State
from fairway_runtime.agent.settings import AgentSettings
from fairway_runtime.agent.telling import tell
from fairway_runtime.agent.writing import write


class Agent:
    """One agent; set `stopping` to have it drain and end."""

    def __init__(self, settings: AgentSettings, cloud: Cloud) -> None:
        self._settings = settings
        self._envoy = Envoy(settings.envoy, settings.config, settings.admin)
        self._follower = Follower(settings, cloud, self._envoy)
        self._reporter = Reporter(settings, cloud, self._envoy.admin, lambda: self._follower.state)
        self.stopping = asyncio.Event()

    @property
    def state(self) -> State:
        """What is in force."""
        return self._follower.state

    async def run(self) -> int:
        """Until `stopping` is set (0), or Envoy ends by itself or does not start (1)."""
        self._settings.marker.unlink(missing_ok=True)
        stopping = asyncio.create_task(self.stopping.wait())
        life = asyncio.create_task(self._live())
        try:
            await asyncio.wait({stopping, life}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                return life.result()
            await self._drain()
            return 0
        finally:
            stopping.cancel()
            life.cancel()
            await asyncio.gather(stopping, life, return_exceptions=True)
            await self._envoy.stop()

    async def _live(self) -> int:
        if not self._settings.is_gateway:
            hand_out_probe(self._settings.probe, self._settings.handouts)
        try:
            await self._follower.begin()
        except Rejected as error:
            tell("CRITICAL", "Envoy does not start", reason=str(error))
            return 1
        write(self._settings.marker, b"")
        async with asyncio.TaskGroup() as tasks:
            loops = [
                tasks.create_task(loop)
                for loop in (
                    self._follower.follow_mesh(),
                    self._follower.follow_handouts(),
                    self._follower.renew(),
                    self._reporter.report(),
                    self._reporter.measure(),
                )
            ]
            code = await self._envoy.ended()
            tell("CRITICAL", "Envoy has ended", code=code)
            for loop in loops:
                loop.cancel()
        return 1

    async def _drain(self) -> None:
        """New requests stop coming as callers notice; those under way finish meanwhile."""
        self._settings.marker.unlink(missing_ok=True)
        if not self._envoy.is_alive:
            return
        tell("INFO", "draining", seconds=self._settings.drain_delay)
        try:
            await self._envoy.admin.drain()
            await asyncio.sleep(self._settings.drain_delay)
            if self._settings.table:
                await self._reporter.send()
        except (OSError, EOFError, ValueError, TimeoutError, Away) as error:
            tell("WARNING", "not drained in order", reason=str(error) or type(error).__name__)
