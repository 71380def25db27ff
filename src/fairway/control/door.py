"""Who may come in, what they did, and what they were answered: the ports behind the API's door.

The API knows only these; `wiring` gives it what belongs to the control plane: one token for the
user of this machine, or the tokens, the audit trail and the kept answers of a shared database.
The classes here keep everything in memory, for the control plane of one user and for tests.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fairway.delivery.port import Actor, Role

ROLES: tuple[Role, ...] = ("viewer", "deployer", "approver", "admin")
"""From the least to the most; each may do what the ones before it may."""
KEEP_SECONDS = 86_400.0
"""For how long the answer to an idempotency key is kept."""
UNDER_WAY_SECONDS = 300.0
"""After which a request that never got an answer is given up: its process died."""


def may(actor: Actor, role: Role) -> bool:
    """Whether an actor's role includes `role`."""
    return ROLES.index(actor.role) >= ROLES.index(role)


class Door(Protocol):
    """Knows whom a token stands for."""

    async def admit(self, token: str) -> Actor | None:
        """Whose token this is, None for none. Takes the same time for every wrong one."""
        ...


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """A token as it may be shown: never its text. Times in Unix seconds."""

    id: str
    name: str
    role: Role
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just issued: the only time that its text can be read."""

    token: str
    summary: TokenSummary


class TokenDesk(Protocol):
    """Issues tokens and takes them back."""

    async def issue(
        self, name: str, role: Role, by: str, expires_at: float | None = None
    ) -> NewToken:
        """A new token for someone or something by that name."""
        ...

    async def tokens(self) -> tuple[TokenSummary, ...]:
        """All that are valid, the oldest first."""
        ...

    async def revoke(self, token: str) -> None:
        """Make the token with this id worthless at once; NotFound when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Write:
    """One request that was meant to change something: who, what, and how it ended.

    Bodies are never kept: they may hold secrets. `environment` is `app/name` of the one that it was
    about, where its path does not say so.
    """

    at: float
    actor: str
    role: str
    method: str
    path: str
    status: int
    environment: str = ""


class Trail(Protocol):
    """Where every write is noted."""

    async def note(self, write: Write) -> None:
        """Keep it; what cannot be kept is an error of the request, for nothing goes unnoted."""
        ...


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a request with an idempotency key was answered; `status` 0 while it is under way."""

    fingerprint: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class KeptAnswers(Protocol):
    """Answers by idempotency key, for `KEEP_SECONDS`."""

    async def claim(self, key: str, fingerprint: str) -> KeptAnswer | None:
        """Take the key for a request: None when it is new, else what is kept. Atomic."""
        ...

    async def keep(self, key: str, answer: KeptAnswer) -> None:
        """The answer, for every further request with this key."""
        ...

    async def release(self, key: str) -> None:
        """Forget the claim: the request may be tried again."""
        ...


class OneToken:
    """The door of a control plane for one user: a single token, compared in constant time."""

    def __init__(self, token: str, actor: Actor) -> None:
        self._token = token.encode()
        self._actor = actor

    async def admit(self, token: str) -> Actor | None:
        """The user, for exactly that token."""
        return self._actor if hmac.compare_digest(token.encode(), self._token) else None


@dataclass
class MemoryTrail:
    """Writes, as long as the process lasts."""

    writes: list[Write] = field(default_factory=list)

    async def note(self, write: Write) -> None:
        """Append it."""
        self.writes.append(write)


class MemoryAnswers:
    """Answers as long as the process lasts: enough where its requests do not outlive it either."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, KeptAnswer]] = {}

    async def claim(self, key: str, fingerprint: str) -> KeptAnswer | None:
        """Take the key; expired ones are swept on the way."""
        now = self._clock()
        self._kept = {k: kept for k, kept in self._kept.items() if now < _end(kept)}
        if key in self._kept:
            return self._kept[key][1]
        self._kept[key] = (now, KeptAnswer(fingerprint))
        return None

    async def keep(self, key: str, answer: KeptAnswer) -> None:
        """Replace the claim."""
        self._kept[key] = (self._clock(), answer)

    async def release(self, key: str) -> None:
        """Forget the claim."""
        self._kept.pop(key, None)


def _end(kept: tuple[float, KeptAnswer]) -> float:
    at, answer = kept
    return at + (KEEP_SECONDS if answer.status else UNDER_WAY_SECONDS)
