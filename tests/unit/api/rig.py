"""A shared control plane in memory, and clients of it with every role."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cache

import httpx2
from fastapi import FastAPI
from tests.unit.api.fake_control import MemoryControl
from tests.unit.api.fake_delivery import MemoryDirectory

from fairway.api.app import bare_app, guarded
from fairway.api.offer import Offer
from fairway.control.door import (
    MemoryAnswers,
    MemoryTrail,
    NewToken,
    TokenSummary,
)
from fairway.delivery.port import Actor, Role
from fairway.errors import NotFound

ENV = "/api/v1/apps/shop/environments/prod"
HOST = "127.0.0.1:8700"
PEOPLE: dict[str, Role] = {
    "vera": "viewer", "dan": "deployer", "abe": "approver", "ada": "admin"
}  # fmt: skip


@cache
def _routes() -> FastAPI:
    """Made once: it takes half a second, and holds nothing."""
    return bare_app()


@dataclass
class MemoryTokens:
    """Tokens in a dictionary; implements `Door` and `TokenDesk`. A person's token is their name."""

    held: dict[str, TokenSummary] = field(
        default_factory=lambda: {
            name: TokenSummary(name, name, role, 1.0) for name, role in PEOPLE.items()
        }
    )

    async def admit(self, token: str) -> Actor | None:
        found = self.held.get(token)
        return None if found is None else Actor(found.name, found.role)

    async def issue(
        self, name: str, role: Role, by: str, expires_at: float | None = None
    ) -> NewToken:
        text = secrets.token_urlsafe(16)
        self.held[text] = TokenSummary(f"t{len(self.held)}", name, role, 2.0, expires_at)
        return NewToken(text, self.held[text])

    async def tokens(self) -> tuple[TokenSummary, ...]:
        return tuple(self.held.values())

    async def revoke(self, token: str) -> None:
        texts = [text for text, found in self.held.items() if found.id == token]
        if not texts:
            raise NotFound("no-such-token", f"there is no token {token}")
        del self.held[texts[0]]


@dataclass
class Rig:
    """The parts of the control plane, and how to talk to it; `now` is what its clock shows."""

    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    trail: MemoryTrail = field(default_factory=MemoryTrail)
    control: MemoryControl = field(default_factory=MemoryControl)
    now: float = 1_000.0
    largest_artifact: int = 1_000

    def __post_init__(self) -> None:
        self.app = guarded(_routes(), self.offer())

    def offer(self) -> Offer:
        return Offer(
            door=self.tokens,
            trail=self.trail,
            answers=MemoryAnswers(lambda: self.now),
            clock=lambda: self.now,
            control=self.control,
            directory=self.directory,
            tokens=self.tokens,
            heartbeat=0.05,
            largest_artifact=self.largest_artifact,
        )

    def client(self, token: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(transport=transport, base_url=f"http://{HOST}", headers=headers)

    @property
    def vera(self) -> httpx2.AsyncClient:
        return self.client("vera")

    @property
    def dan(self) -> httpx2.AsyncClient:
        return self.client("dan")

    @property
    def abe(self) -> httpx2.AsyncClient:
        return self.client("abe")

    @property
    def ada(self) -> httpx2.AsyncClient:
        return self.client("ada")
