"""`Delivery` over HTTP: what the command line asks of any environment, near or far.

`delivering.door` makes one. Each method is one request, in a thread, so that a deployment can be
followed while its numbers are asked for. Who asks is known by the token, so the actors that the
port takes are not sent.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from fairway.cli.client import ControlClient, EventStream, segment
from fairway.delivery.codec import plain, restored
from fairway.delivery.deployment import Command, Deployment, Status
from fairway.delivery.port import (
    Actor,
    DeadLetter,
    DeliveryEvent,
    Page,
    ReleaseDiff,
    Watching,
    Wish,
)
from fairway.errors import InvalidInput, Unavailable
from fairway.plan.plan import Plan
from fairway.plan.release import Release
from fairway.targets.contract import Drift

T = TypeVar("T")
_QUIET = 0.5
"""Seconds of silence after which a stream has told all that happened so far."""
Connect = Callable[[], ControlClient]
"""Gives a client of the control plane as it is now: after a restart it listens elsewhere."""


class RemoteDelivery:
    """The delivery of one environment behind a control plane's API."""

    def __init__(self, connect: Connect, app: str, environment: str) -> None:
        self._connect = connect
        self._client: ControlClient | None = None
        self._base = f"/api/v1/apps/{segment(app)}/environments/{segment(environment)}"

    async def plan(self, wish: Wish) -> Plan:
        """See `Delivery`."""
        return _read(Plan, await self._post("/plan", plain(wish)))

    async def deploy(self, wish: Wish, by: Actor) -> Deployment:  # noqa: ARG002 - the token says it
        """See `Delivery`. Sent once more, under the same key, when the answer got lost."""
        key = uuid.uuid4().hex
        try:
            found = await self._post("/deployments", plain(wish), idempotency_key=key)
        except Unavailable:
            found = await self._post("/deployments", plain(wish), idempotency_key=key)
        return _read(Deployment, found)

    async def tell(self, deployment: str, command: Command, by: Actor, reason: str = "") -> None:  # noqa: ARG002
        """See `Delivery`."""
        verb, more = ("promote", {"fully": True}) if command == "promote_fully" else (command, {})
        await self._post(f"{_one(deployment)}/{verb}", {"reason": reason} | more)

    async def approve(self, deployment: str, by: Actor, reason: str = "") -> None:  # noqa: ARG002
        """See `Delivery`."""
        await self._post(f"{_one(deployment)}/approve", {"reason": reason})

    async def reject(self, deployment: str, by: Actor, reason: str) -> None:  # noqa: ARG002
        """See `Delivery`."""
        await self._post(f"{_one(deployment)}/reject", {"reason": reason})

    async def deployment(self, deployment: str) -> Deployment:
        """See `Delivery`."""
        return _read(Deployment, await self._get(_one(deployment)))

    async def deployments(
        self, *, status: Status | None = None, cursor: str | None = None, limit: int = 20
    ) -> Page:
        """See `Delivery`."""
        found = await self._get("/deployments", status=status, cursor=cursor, limit=limit)
        return _read(Page, found)

    async def watching(self, deployment: str) -> Watching | None:
        """See `Delivery`."""
        found = await self._get(f"{_one(deployment)}/watching")
        return None if found is None else _read(Watching, found)

    async def events(self, deployment: str | None, after: int = 0) -> AsyncIterator[DeliveryEvent]:
        """See `Delivery`."""
        async for event in self._stream(deployment, f"after={after}"):
            yield event

    async def _stream(self, deployment: str | None, query: str) -> AsyncIterator[DeliveryEvent]:
        path = f"{_one(deployment)}/events" if deployment else "/events"
        stream = await self._asked(lambda client: client.stream(f"{self._base}{path}?{query}"))
        async for found in _items(stream):
            if "type" in found:  # the rest are live numbers, which `watching` asks for
                yield _read(DeliveryEvent, found)

    async def happened(self, deployment: str | None, after: int = 0) -> tuple[DeliveryEvent, ...]:
        """See `Delivery`."""
        return tuple(
            [event async for event in self._stream(deployment, f"after={after}&quiet={_QUIET}")]
        )

    async def releases(self, *, before: int | None = None, limit: int = 50) -> tuple[Release, ...]:
        """See `Delivery`."""
        found = await self._get("/releases", before=before, limit=limit)
        return _read(tuple[Release, ...], found["releases"])

    async def release(self, number: int) -> Release:
        """See `Delivery`."""
        return _read(Release, await self._get(f"/releases/{number}"))

    async def diff(self, before: int, after: int) -> ReleaseDiff:
        """See `Delivery`."""
        return _read(ReleaseDiff, await self._get(f"/releases/{before}/diff/{after}"))

    async def drift(self) -> tuple[Drift, ...]:
        """See `Delivery`."""
        return _read(tuple[Drift, ...], (await self._get("/drift"))["drift"])

    async def repair(self, by: Actor) -> tuple[Drift, ...]:  # noqa: ARG002
        """See `Delivery`."""
        return _read(tuple[Drift, ...], (await self._post("/drift/repair", None))["drift"])

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """See `Delivery`."""
        return _read(tuple[DeadLetter, ...], (await self._get("/dead-letters"))["dead_letters"])

    async def redeliver(
        self,
        by: Actor,  # noqa: ARG002
        listener: str = "",
        event: int | None = None,
    ) -> tuple[DeadLetter, ...]:
        """See `Delivery`."""
        asked = {"listener": listener, "event": event}
        found = await self._post("/dead-letters/redeliver", asked)
        return _read(tuple[DeadLetter, ...], found["dead_letters"])

    async def _get(self, path: str, **query: Any) -> Any:
        return await self._asked(lambda client: client.get(self._base + path, **query))

    async def _post(self, path: str, body: Any, **headers: str) -> Any:
        return await self._asked(lambda client: client.post(self._base + path, body, **headers))

    async def _asked(self, question: Callable[[ControlClient], T]) -> T:
        client = self._client
        if client is None:
            client = self._client = await asyncio.to_thread(self._connect)
        try:
            return await asyncio.to_thread(question, client)
        except Unavailable:
            self._client = None
            raise


def _read(kind: type[T], answer: Any) -> T:
    try:
        return restored(kind, answer)
    except InvalidInput as error:
        raise Unavailable(
            "unknown-answer",
            f"the control plane gives an answer that is not known here: {error.message}",
            where=error.where,
            remedy="use the same version of Fairway on both sides; `fairway version` tells it",
        ) from error


def _one(deployment: str) -> str:
    return f"/deployments/{segment(deployment)}"


async def _items(stream: EventStream) -> AsyncIterator[dict[str, Any]]:
    """The items of a stream that blocks; leaving early wakes up the thread that reads it."""
    with stream:
        items = iter(stream)
        reading = _next(items)
        try:
            while (found := await asyncio.shield(reading)) is not None:
                yield found
                reading = _next(items)
        finally:
            stream.close()
            with suppress(Unavailable):
                await reading


def _next(items: Iterator[dict[str, Any]]) -> asyncio.Future[dict[str, Any] | None]:
    return asyncio.ensure_future(asyncio.to_thread(next, items, None))
