"""Events on a NATS server: `fairway.<app>.<environment>.<subject>.<what>`, as CloudEvents in JSON.

`Nats-Msg-Id` is the event's id, so that a JetStream stream over `fairway.>` keeps each once. The
client is an extra (`pip install 'fairway[nats]'`), imported when the first event is sent.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fairway.delivery.events import Json
from fairway.errors import Unavailable

if TYPE_CHECKING:
    from nats.aio.client import Client

_TIMEOUT_SECONDS = 10.0


class NatsBus:
    """Publishes, and waits until the server has it."""

    def __init__(self, url: str, events: frozenset[str]) -> None:
        self.name = f"bus {without_credentials(url)}"
        self._url = url
        self._events = events
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    def wants(self, kind: str) -> bool:
        """Only these types, or every one when none is named."""
        return not self._events or kind in self._events

    async def send(self, event: Json) -> None:
        """Publish it; Unavailable when the server does not say that it got it."""
        headers = {"Nats-Msg-Id": event["id"], "content-type": "application/cloudevents+json"}
        body = json.dumps(event, ensure_ascii=False).encode()
        client = await self._connected()
        from nats.errors import Error  # noqa: PLC0415 - an extra

        try:
            await client.publish(subject_of(event), body, headers=headers)
            await client.flush(timeout=int(_TIMEOUT_SECONDS))
        except (Error, OSError, TimeoutError) as error:
            raise Unavailable("bus-silent", f"no answer: {type(error).__name__}") from error

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                self._client = await _connect(self._url)
            return self._client


async def _connect(url: str) -> Client:
    try:
        from nats.aio.client import Client  # noqa: PLC0415 - an extra
        from nats.errors import Error  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(
            "nats-missing",
            "the client of the event bus is not installed",
            remedy="pip install 'fairway[nats]' where the control plane runs",
        ) from error
    client = Client()
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await client.connect(url, max_reconnect_attempts=1, error_cb=_quiet)
    except (Error, OSError, TimeoutError) as error:
        await client.close()
        raise Unavailable("bus-silent", f"no connection: {type(error).__name__}") from error
    return client


async def _quiet(_: Exception) -> None:
    """What goes wrong is raised by the call that it belongs to; the default logs the address."""


def subject_of(event: Json) -> str:
    """Where an event is published: `fairway.shop.prod.deployment.succeeded`."""
    data = event["data"]
    what = event["type"].removeprefix("io.fairway.").rpartition(".")[0]
    return f"fairway.{data['app']}.{data['environment']}.{what}"


def without_credentials(url: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
