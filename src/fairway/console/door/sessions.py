"""Who is logged in to the console: login codes, and the sessions that they become.

The gate finds the session of each request here, the login page opens them. In memory: a restarted
control plane asks everyone to log in again. Guarantees: a code works once and for ten minutes; a
session ends after eight hours, after one unused hour, and soon after the token that it was opened
with is revoked. Neither codes nor cookies are kept, only their digests.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fairway.api.statuses import Unauthenticated
from fairway.control.door import Door
from fairway.delivery.port import Actor

CODE_SECONDS = 600.0
SESSION_SECONDS = 8 * 3600.0
IDLE_SECONDS = 3600.0
RECHECK_SECONDS = 15.0
"""After which the token of a session is looked up again."""
_MOST = 1000
"""Sessions, and codes, that are kept at most; the oldest go first."""

Kept = TypeVar("Kept")
Secret = Callable[[], str]
"""Makes a text that nobody guesses."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of an action, for the page that is shown next. `level` is ok, warn or bad."""

    level: str
    words: str
    detail: str = ""


@dataclass(slots=True)
class Session:
    """Somebody who is logged in. `csrf` goes into every form; `at` is `app/environment`."""

    actor: Actor
    csrf: str
    opened_at: float
    used_at: float
    token: str | None = None
    checked_at: float = 0.0
    at: str = ""
    ended: bool = False
    notices: list[Notice] = field(default_factory=list)

    def alive(self, now: float) -> bool:
        """Whether it may still be used."""
        fresh = now < self.opened_at + SESSION_SECONDS and now < self.used_at + IDLE_SECONDS
        return fresh and not self.ended

    def right(self, csrf: str) -> bool:
        """Whether a form really came from one of its pages."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())

    def taken_notices(self) -> tuple[Notice, ...]:
        """What is to be said; it is said once."""
        taken = tuple(self.notices)
        self.notices.clear()
        return taken


class Sessions:
    """All codes and sessions of one console. `door` knows whether a token is still somebody's."""

    def __init__(
        self, door: Door, clock: Callable[[], float], secret: Secret = secrets.token_urlsafe
    ) -> None:
        self._door = door
        self._clock = clock
        self._secret = secret
        self._codes: dict[bytes, tuple[Actor, float]] = {}
        self._sessions: dict[bytes, Session] = {}

    def code(self, actor: Actor) -> str:
        """A new login code, for one login as `actor` within the next ten minutes."""
        code = self._secret()
        _keep(self._codes, code, (actor, self._clock() + CODE_SECONDS))
        return code

    def redeem(self, code: str) -> str:
        """Log in by a code; returns the cookie. Unauthenticated for a used, old or wrong one."""
        actor, ends_at = self._codes.pop(_digest(code), (None, 0.0))
        if actor is None or self._clock() >= ends_at:
            raise Unauthenticated(
                "login-code",
                "this login link was used already, or is too old",
                remedy="`fairway console` gives a fresh one",
            )
        return self.open(actor)

    def open(self, actor: Actor, token: str | None = None) -> str:
        """Log in, perhaps by a token; returns the cookie."""
        now = self._clock()
        cookie = self._secret()
        _keep(self._sessions, cookie, Session(actor, self._secret(), now, now, token, now))
        return cookie

    async def find(self, cookie: str) -> Session | None:
        """The session of a cookie, which counts as used now; None when it has ended."""
        key, now = _digest(cookie), self._clock()
        session = self._sessions.get(key)
        if session is None:
            return None
        if not session.alive(now) or not await self._confirmed(session, now):
            session.ended = True
            self._sessions.pop(key, None)
            return None
        session.used_at = now
        return session

    def end(self, cookie: str) -> None:
        """Log out: streams that are open notice it too."""
        session = self._sessions.pop(_digest(cookie), None)
        if session is not None:
            session.ended = True

    async def alive(self, session: Session) -> bool:
        """Whether an open stream may go on; watching counts as use."""
        now = self._clock()
        if not session.alive(now) or not await self._confirmed(session, now):
            session.ended = True
            return False
        session.used_at = now
        return True

    async def _confirmed(self, session: Session, now: float) -> bool:
        """A revoked token ends the sessions that it opened; a changed role counts at once."""
        if session.token is None or now < session.checked_at + RECHECK_SECONDS:
            return True
        actor = await self._door.admit(session.token)
        session.checked_at = now
        session.actor = actor or session.actor
        return actor is not None


def _keep(kept: dict[bytes, Kept], secret: str, value: Kept) -> None:
    kept[_digest(secret)] = value
    if len(kept) > _MOST:
        del kept[next(iter(kept))]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
