"""`Idempotency-Key`: a POST that is sent again is answered again, and carried out once.

ASGI middleware inside the guard. The same key with the same request gets the kept answer, marked
`Idempotency-Replayed: true`; with another request 422; while the first is under way 409. Kept are
answers below 500 for 24 hours; a failed request may be tried again with its key. Follows
draft-ietf-httpapi-idempotency-key-header; keys of different callers never meet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import MutableMapping
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import Response

from fairway.api.problems import Asgi, Receive, Scope, Send, send_problem
from fairway.api.statuses import KeyReused
from fairway.control.door import KeptAnswer, KeptAnswers
from fairway.delivery.port import Actor
from fairway.errors import Conflict, FairwayError, InvalidInput

PATTERN = r"^[A-Za-z0-9_.:-]{1,128}$"
_NAME = b"idempotency-key"
_KEPT_HEADERS = frozenset({"content-type", "location", "etag", "www-authenticate"})


def documented(
    idempotency_key: Annotated[
        str | None,
        Header(pattern=PATTERN, description="Makes it safe to send this again, for 24 hours."),
    ] = None,
) -> None:
    """A dependency that puts the header into the OpenAPI document; the middleware acts on it."""


class Idempotency:
    """Answers a POST whose key is known from what is kept, and keeps the answers of new ones."""

    def __init__(self, app: Asgi, kept: KeptAnswers) -> None:
        self._app = app
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what has no key; else answer once."""
        key = dict(scope["headers"]).get(_NAME) if scope["type"] == "http" else None
        if key is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            await self._once(_scoped(key, scope), scope, receive, send)
        except FairwayError as error:
            await send_problem(scope, send, error)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        fingerprint = _fingerprint(scope, body)
        known = await self._kept.claim(key, fingerprint)
        if known is not None:
            await _replay(known, fingerprint, scope, receive, send)
            return
        answer = _Recorder(fingerprint, send)
        try:
            await self._app(scope, _given(body, receive), answer)
        finally:
            await self._settle(key, answer.whole)

    async def _settle(self, key: str, answer: KeptAnswer | None) -> None:
        if answer is not None and answer.status < 500:
            await self._kept.keep(key, answer)
        else:
            await self._kept.release(key)


class _Recorder:
    """Passes an answer on and remembers it; `whole` once it has ended."""

    def __init__(self, fingerprint: str, send: Send) -> None:
        self.whole: KeptAnswer | None = None
        self._fingerprint = fingerprint
        self._send = send
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._body = b""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            pairs = ((k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"])
            self._headers = tuple((name, text) for name, text in pairs if name in _KEPT_HEADERS)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                self.whole = KeptAnswer(self._fingerprint, self._status, self._headers, self._body)
        await self._send(message)


async def _replay(
    known: KeptAnswer, fingerprint: str, scope: Scope, receive: Receive, send: Send
) -> None:
    if known.fingerprint != fingerprint:
        raise KeyReused(
            "idempotency-key-reused",
            "this idempotency key came before, with another request",
            where="header.idempotency-key",
            remedy="use a new key for a new request",
        )
    if not known.status:
        raise Conflict(
            "request-under-way",
            "the first request with this idempotency key is still under way",
            where="header.idempotency-key",
            remedy="ask again in a moment",
        )
    headers = {**dict(known.headers), "idempotency-replayed": "true"}
    await Response(known.body, known.status, headers)(scope, receive, send)


def _scoped(key: bytes, scope: Scope) -> str:
    text = key.decode("latin-1")
    if not re.fullmatch(PATTERN, text):
        raise InvalidInput(
            "invalid-request",
            "an idempotency key has 1 to 128 letters, digits and any of _ . : -",
            where="header.idempotency-key",
            remedy="use a random identifier",
        )
    actor: Actor = scope["state"]["actor"]
    return f"{actor.name}/{text}"


def _fingerprint(scope: Scope, body: bytes) -> str:
    parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body)
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


async def _whole(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body


def _given(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body that was read already, then what comes after it."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return pending.pop() if pending else await receive()

    return again
