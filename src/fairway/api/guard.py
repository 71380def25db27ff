"""The door: who may talk to the control plane at all, and who they are.

`app` wraps the whole API in it. Every request, reads and the OpenAPI document too, needs a bearer
token. The `Host` header must be a name that this control plane goes by (the loopback names unless
told otherwise), so that a web page whose DNS name was rebound to it gets nowhere even with a leaked
token. Addresses that keep guessing are put off. What a caller may do is decided by `roles`.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from fairway.api.problems import Asgi, Receive, Scope, Send, send_problem
from fairway.api.statuses import TooManyRequests, Unauthenticated
from fairway.control.door import Door
from fairway.delivery.port import Actor
from fairway.errors import FairwayError, Refused

K = TypeVar("K")
V = TypeVar("V")

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_FAILURES = 100
"""Wrong tokens that one address may send before it has to wait."""
_REFILL_SECONDS = 3.0
"""After each of which one more wrong token is let through."""
_REMEMBERED = 10_000
"""Addresses, and tokens that were right, that are remembered at most."""
_NO_TOKEN = Unauthenticated(
    "unauthorized",
    "the bearer token is missing or wrong",
    remedy="on this machine control.json in the app's state folder has URL and token; for a shared "
    "control plane ask an admin for a token (`fairway token issue`)",
)


class Guard:
    """ASGI middleware: passes on only what comes to a known name with a token that is somebody's.

    The actor is left in the request's state, where `roles` finds it.
    """

    def __init__(
        self, app: Asgi, door: Door, hosts: frozenset[str], clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._admission = Admission(door, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, 403 or 429 here, or let the API answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is nothing but HTTP here: refused before it is accepted
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            actor = await self._admit(scope)
        except FairwayError as error:
            await send_problem(scope, send, error, _headers(error, self._admission.wait_seconds))
            return
        scope.setdefault("state", {})["actor"] = actor
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> Actor:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        check_host(headers.get(b"host", b"").decode("latin-1"), self._hosts)
        token = _bearer(headers.get(b"authorization", b"").decode("latin-1"))
        if token is None:  # nothing was guessed: browsers and probes ask without any
            raise _NO_TOKEN
        return await self._admission.admit(address_of(scope), token)


class Admission:
    """Whose token it is; puts off addresses that keep guessing. The console's login asks it too."""

    def __init__(self, door: Door, clock: Callable[[], float]) -> None:
        self._door = door
        self._limiter = _Limiter(clock)
        self.wait_seconds = self._limiter.wait_seconds

    async def admit(self, address: str, token: str) -> Actor:
        """Whose it is; Unauthenticated for nobody's, TooManyRequests after too many of those."""
        self._limiter.check(address, token)
        actor = await self._door.admit(token)
        self._limiter.note(address, token, right=actor is not None)
        if actor is None:
            raise _NO_TOKEN
        return actor


class _Limiter:
    """A bucket of wrong guesses per address; tokens that were right are not put off by others'."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guesses: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self.wait_seconds = math.ceil(_REFILL_SECONDS)

    def check(self, address: str, token: str) -> None:
        """TooManyRequests for an address that has guessed too often."""
        if self._level(address) >= _FAILURES and _digest(token) not in self._right:
            raise TooManyRequests(
                "too-many-wrong-tokens",
                "too many wrong tokens came from this address",
                remedy="wait a few seconds and use a token that is right",
            )

    def note(self, address: str, token: str, *, right: bool) -> None:
        """What came of it."""
        if right:
            _remember(self._right, _digest(token), None)
        else:
            _remember(self._guesses, address, (self._clock(), self._level(address) + 1))

    def _level(self, address: str) -> float:
        at, level = self._guesses.get(address, (0.0, 0.0))
        return max(0.0, level - (self._clock() - at) / _REFILL_SECONDS)


def address_of(scope: Scope) -> str:
    """Where a request comes from."""
    return str((scope.get("client") or ("", 0))[0])


def check_host(host: str, hosts: frozenset[str]) -> None:
    """Refused when a `Host` header names nothing that this control plane goes by."""
    if host_name(host) not in hosts:
        raise _foreign(hosts)


def host_name(host: str) -> str:
    """The name in a `Host` header, without a port, in lower case."""
    name, separator, port = host.rpartition(":")
    if not separator or not port.isdigit():
        name = host
    return name.lower()


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token if scheme == "Bearer" and token else None


def _foreign(hosts: frozenset[str]) -> Refused:
    if hosts == LOOPBACK_NAMES:
        message, remedy = "this API answers only on the loopback names", "use http://127.0.0.1:PORT"
    else:
        message = "this API does not go by that name"
        remedy = "name it with `fairway server --host NAME` if it should"
    return Refused("foreign-host", message, remedy=remedy)


def _headers(error: FairwayError, wait_seconds: int) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        return {"retry-after": str(wait_seconds)}
    return {"www-authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _remember(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
