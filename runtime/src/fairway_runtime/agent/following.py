"""Keeping Envoy and the app's files fresh: documents, certificate, secrets.

Used by `running.py`. Whatever fails is tried again, and what is in force stays in force. Documents
are looked at every few seconds with some jitter, so that the tasks of a service do not ask at once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from fairway_runtime.agent.cloud import Away, Cloud
from fairway_runtime.agent.documents import Document, Source
from fairway_runtime.agent.envoy import Envoy, Rejected
from fairway_runtime.agent.handouts import Handouts
from fairway_runtime.agent.identity import Identity, obtain
from fairway_runtime.agent.reporting import State
from fairway_runtime.agent.settings import AgentSettings
from fairway_runtime.agent.telling import Trouble, tell

T = TypeVar("T")

_SECRETS_EVERY = 60.0
_REFUSED_AGAIN = 30.0
"""After how many seconds Envoy is asked again to take a document: it may just have been slow."""
_LONGEST_WAIT = 10.0
_HANDOUTS_EVERY = 3
"""Looks at the mesh for one at the handouts: each look costs, and traffic is what is in a hurry."""
_PASSING = (OSError, EOFError, ValueError, Away)
"""What may be otherwise the next time: AWS is away, or Envoy's admin interface does not answer."""


class Follower:
    """One task's files. `state` is what is in force."""

    def __init__(self, settings: AgentSettings, cloud: Cloud, envoy: Envoy) -> None:
        self._settings, self._cloud, self._envoy = settings, cloud, envoy
        kept = settings.state / "kept"
        self._mesh = Source(cloud, settings.bucket, settings.mesh_key, kept / "mesh.json")
        self._given = Source(cloud, settings.bucket, settings.handouts_key, kept / "handouts.json")
        self._handouts = Handouts(cloud, settings.handouts)
        self._handed: Document | None = None
        self._identity: Identity | None = None
        self._refused, self._refused_at = "", 0.0
        self._writing = asyncio.Lock()
        self.state = State()

    async def begin(self) -> None:
        """Have everything there for the first time, and Envoy ready; Rejected when it is not."""
        self._identity = await _insist(Trouble("obtain an identity"), self._obtain)
        document = await _insist(
            Trouble("read the document of the mesh"), lambda: _newest(self._mesh)
        )
        if not self._settings.is_gateway:
            await _insist(Trouble("hand out files"), self._first_handouts)
        await self._envoy.start({**document.files, **self._identity.files})
        self._in_force(document)

    async def follow_mesh(self) -> None:
        """Have Envoy take every new document, for ever."""
        await self._again_and_again(
            self._settings.poll, Trouble("follow the mesh"), self._look_at_mesh
        )

    async def follow_handouts(self) -> None:
        """Hand out what is new, and every minute the present value of each secret, for ever."""
        if not self._settings.is_gateway:
            self._secrets_at = time.monotonic() + _SECRETS_EVERY
            seconds = _HANDOUTS_EVERY * self._settings.poll
            await self._again_and_again(seconds, Trouble("follow handouts"), self._look_at_handouts)

    async def renew(self) -> None:
        """Have a new certificate at half life, for ever."""
        while True:
            assert self._identity is not None
            left = self._identity.renew_at - datetime.now(UTC)
            await asyncio.sleep(max(0.0, left.total_seconds()))
            self._identity = await _insist(Trouble("renew the identity"), self._obtain)
            await _insist(
                Trouble("have Envoy take the new identity"), self._put_on, (Rejected, *_PASSING)
            )
            tell("INFO", "the identity is renewed", expires_at=self._identity.expires_at)

    async def _again_and_again(
        self, seconds: float, trouble: Trouble, step: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311
            try:
                await step()
            except _PASSING as error:
                trouble.is_there(str(error) or type(error).__name__)
            else:
                trouble.is_over()

    async def _obtain(self) -> Identity:
        function, now = self._settings.identity_function, datetime.now(UTC)
        return await asyncio.to_thread(obtain, self._cloud, function, now)

    async def _put_on(self) -> None:
        assert self._identity is not None
        async with self._writing:
            await self._envoy.replace(self._identity.files)

    async def _look_at_mesh(self) -> None:
        document = await asyncio.to_thread(self._mesh.changed)
        if document is None:
            self.state = replace(self.state, problem="")
        elif not self._was_refused(document):
            await self._roll_out(document)

    def _was_refused(self, document: Document) -> bool:
        just_now = time.monotonic() - self._refused_at < _REFUSED_AGAIN
        return just_now and document.version == self._refused

    async def _roll_out(self, document: Document) -> None:
        """Have it in force; if Envoy does not take it, the report says why."""
        assert self._identity is not None
        try:
            async with self._writing:
                await self._envoy.roll_out({**document.files, **self._identity.files})
        except Rejected as error:
            self._refused, self._refused_at = document.version, time.monotonic()
            self.state = replace(self.state, problem=str(error))
            tell("ERROR", "Envoy goes on with the files before", reason=str(error))
        else:
            self._in_force(document)

    def _in_force(self, document: Document) -> None:
        self._mesh.keep(document)
        self.state = replace(self.state, mesh_version=document.version, problem="")
        tell("INFO", "a document of the mesh is in force", document=document.version)

    async def _first_handouts(self) -> None:
        await self._hand_out(await _newest(self._given))

    async def _look_at_handouts(self) -> None:
        document = await asyncio.to_thread(self._given.changed)
        due = time.monotonic() > self._secrets_at
        if document is None and not due:
            return
        await self._hand_out(document or self._handed)
        self._secrets_at = time.monotonic() + _SECRETS_EVERY

    async def _hand_out(self, document: Document | None) -> None:
        if document is None:
            return
        await asyncio.to_thread(self._handouts.hand_out, document)
        self._given.keep(document)
        self._handed = document
        self.state = replace(self.state, handouts_version=document.version)


async def _newest(source: Source) -> Document:
    """From AWS; while it is away, the last good one."""
    try:
        found = await asyncio.to_thread(source.changed)
    except Away:
        found = source.kept()
        if found is None:
            raise
    assert found is not None  # nothing of it is in force yet
    return found


async def _insist(
    trouble: Trouble,
    attempt: Callable[[], Awaitable[T]],
    passing: tuple[type[Exception], ...] = (Away,),
) -> T:
    """Try until it works, with growing pauses."""
    wait = 0.5
    while True:
        try:
            found = await attempt()
        except passing as error:
            trouble.is_there(str(error) or type(error).__name__)
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            wait = min(wait * 2, _LONGEST_WAIT)
        else:
            trouble.is_over()
            return found
