"""Signed webhooks in the form of Standard Webhooks (https://www.standardwebhooks.com).

A receiver checks `webhook-signature`, refuses a `webhook-timestamp` that is minutes old, and takes
a `webhook-id` only once: events are delivered at least once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable

from fairway.delivery.events import Json
from fairway.delivery.notify.post import Poster

_PREFIX = "whsec_"


class Webhook:
    """Posts CloudEvents to one address, signed with what `key` gives at that moment."""

    def __init__(
        self,
        url: str,
        key: Callable[[], bytes],
        events: frozenset[str],
        clock: Callable[[], float],
        poster: Poster | None = None,
    ) -> None:
        self.name = f"webhook {url}"
        self._url = url
        self._key = key
        self._events = events
        self._clock = clock
        self._poster = poster or Poster()

    def wants(self, kind: str) -> bool:
        """Only these types, or every one when none is named."""
        return not self._events or kind in self._events

    async def send(self, event: Json) -> None:
        """Post it; every attempt has a timestamp and a signature of its own."""
        body = json.dumps(event, ensure_ascii=False).encode()
        number, timestamp = str(event["id"]), int(self._clock())
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "fairway",
            "webhook-id": number,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key(), number, timestamp, body),
        }
        await self._poster.post(self._url, body, headers)

    async def close(self) -> None:
        """Give the connections up."""
        await self._poster.close()


def key_of(secret: str) -> bytes:
    """The key in a secret: what follows `whsec_` is base64; any other text stands for itself."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def signature(key: bytes, number: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`."""
    signed = b".".join((number.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
