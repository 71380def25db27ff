"""The ports behind the door (`control.door`), on the database of a shared control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from fairway.control.door import KeptAnswer, NewToken, TokenSummary, Write
from fairway.control.shared.store import ServerStore
from fairway.delivery.port import Actor, Role
from fairway.governance.audit_log import SqlAuditLog
from fairway.governance.tokens import Token, Tokens
from fairway.targets.local.artifacts import ArtifactStore
from fairway_runtime.policy.audit import Entry

_PART = 1024 * 1024
"""Bytes of an artifact in one row."""


class SharedTokens:
    """A `Door` and a `TokenDesk` on the tokens of the database."""

    def __init__(self, tokens: Tokens, clock: Callable[[], float]) -> None:
        self._tokens = tokens
        self._clock = clock

    async def admit(self, token: str) -> Actor | None:
        """Whose token this is."""
        found = await asyncio.to_thread(self._tokens.check, token)
        return None if found is None else Actor(found.name, found.role)

    async def issue(
        self, name: str, role: Role, by: str, expires_at: float | None = None
    ) -> NewToken:
        """A new token."""
        issued = await asyncio.to_thread(self._tokens.issue, name, role, by, expires_at)
        summary = TokenSummary(issued.id, name, role, self._clock(), expires_at)
        return NewToken(issued.secret, summary)

    async def tokens(self) -> tuple[TokenSummary, ...]:
        """All that are valid, the oldest first."""
        found = await asyncio.to_thread(self._tokens.all)
        return tuple(_summary(token) for token in found if valid(token, self._clock()))

    async def revoke(self, token: str) -> None:
        """Make it worthless at once."""
        await asyncio.to_thread(self._tokens.revoke, token)


def valid(token: Token, now: float) -> bool:
    """Whether a token lets anyone in."""
    return token.revoked is None and (token.expires is None or token.expires > now)


def _summary(token: Token) -> TokenSummary:
    return TokenSummary(token.id, token.name, token.role, token.at, token.expires, token.used)


class SharedTrail:
    """A `Trail`: writes to an environment go into its own audit log, all else into the server's."""

    def __init__(
        self, server: SqlAuditLog, of_write: Callable[[Write], SqlAuditLog | None]
    ) -> None:
        self._server = server
        self._of_write = of_write

    async def note(self, write: Write) -> None:
        """Append it to its chain."""
        log = self._of_write(write) or self._server
        await asyncio.to_thread(log.append, command_entry(write))


def command_entry(write: Write) -> Entry:
    """A write as the audit log has it."""
    asked = f"{write.method} {write.path}"
    return Entry("command", principal=write.actor, intent=asked, reason=f"answered {write.status}")


class SharedAnswers:
    """`KeptAnswers` that every server on the database knows."""

    def __init__(self, store: ServerStore) -> None:
        self._store = store

    async def claim(self, key: str, fingerprint: str) -> KeptAnswer | None:
        """Take the key for a request: None when it is new, else what is kept."""
        return await asyncio.to_thread(self._store.claim, key, fingerprint)

    async def keep(self, key: str, answer: KeptAnswer) -> None:
        """The answer, for every further request with this key."""
        await asyncio.to_thread(self._store.keep, key, answer)

    async def release(self, key: str) -> None:
        """Forget the claim."""
        await asyncio.to_thread(self._store.release, key)


class SharedArtifacts:
    """`Artifacts` in the database; unpacked once on the way, to see that they are what they say."""

    def __init__(self, store: ServerStore) -> None:
        self._store = store

    async def has(self, digest: str) -> bool:
        """Whether it is kept already."""
        return await asyncio.to_thread(self._store.has_artifact, digest)

    async def keep(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep it, all or nothing; InvalidInput when the content has another digest."""
        with TemporaryDirectory(prefix="fairway-") as folder:
            packed = Path(folder) / "packed"
            with packed.open("wb") as file:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(self._keep, packed, digest)

    def _keep(self, packed: Path, digest: str) -> None:
        with packed.open("rb") as file:
            ArtifactStore(packed.with_name("unpacked")).receive(file, digest)
            file.seek(0)
            self._store.keep_artifact(digest, _parts(file))


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part
