"""What a control plane offers over HTTP: the ports that the routes ask, found by each request.

`server` and the tests make one `Offer`; routes take what they need from it by the annotated types
below. A port that is None has no routes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from fairway.api.guard import LOOPBACK_NAMES
from fairway.control.directory import Artifacts, Directory
from fairway.control.door import Door, KeptAnswers, MemoryAnswers, OneToken, TokenDesk, Trail
from fairway.control.port import ControlPlane
from fairway.delivery.port import Actor, Delivery, Json

HEARTBEAT_SECONDS = 10.0
LARGEST_ARTIFACT = 512 * 1024 * 1024
NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""What apps and environments may be called."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The ports behind one API. `hosts` are the names it goes by, `clock` gives Unix seconds."""

    door: Door
    trail: Trail
    answers: KeptAnswers
    clock: Callable[[], float]
    control: ControlPlane | None = None
    directory: Directory | None = None
    tokens: TokenDesk | None = None
    hosts: frozenset[str] = LOOPBACK_NAMES
    heartbeat: float = HEARTBEAT_SECONDS
    largest_artifact: int = LARGEST_ARTIFACT


def local_offer(
    control: ControlPlane,
    token: str,
    user: str,
    clock: Callable[[], float],
    directory: Directory | None = None,
) -> Offer:
    """What the control plane of one user offers: whoever has its token may do everything."""
    door = OneToken(token, Actor(user, "admin"))
    return Offer(door, control, MemoryAnswers(clock), clock, control, directory)


AppName = Annotated[str, Path(alias="app", pattern=NAME, description="The app's name.")]
EnvironmentName = Annotated[
    str, Path(alias="environment", pattern=NAME, description="The environment's name.")
]


def offer_of(request: Request) -> Offer:
    """What the API that got this request offers."""
    offer: Offer = request.app.state.offer
    return offer


def control_of(request: Request) -> ControlPlane:
    """The running system."""
    control = offer_of(request).control
    assert control is not None, "its routes are there only with a control plane"
    return control


def directory_of(request: Request) -> Directory:
    """The environments that are served."""
    directory = offer_of(request).directory
    assert directory is not None, "its routes are there only with a directory"
    return directory


def token_desk_of(request: Request) -> TokenDesk:
    """Who issues tokens."""
    tokens = offer_of(request).tokens
    assert tokens is not None, "its routes are there only with a token desk"
    return tokens


DirectoryHere = Annotated[Directory, Depends(directory_of)]


class Opening:
    """The environment in the path, which may not exist yet."""

    def __init__(self, app: AppName, environment: EnvironmentName, here: DirectoryHere) -> None:
        self._names = (app, environment)
        self._directory = here

    async def delivery(self) -> Delivery:
        """Its delivery; NotFound when it does not exist."""
        return await self._directory.delivery(*self._names)

    async def opened(self, declared: Json | None) -> Delivery:
        """Likewise, created when an app file declares it."""
        return await self._directory.opened(*self._names, declared)


async def _delivery(app: AppName, environment: EnvironmentName, here: DirectoryHere) -> Delivery:
    return await here.delivery(app, environment)


async def _artifacts(app: AppName, environment: EnvironmentName, here: DirectoryHere) -> Artifacts:
    return await here.artifacts(app, environment)


def environment_named(app: AppName, environment: EnvironmentName) -> None:
    """A dependency that checks and documents the names in the path."""


OfferHere = Annotated[Offer, Depends(offer_of)]
ControlHere = Annotated[ControlPlane, Depends(control_of)]
TokensHere = Annotated[TokenDesk, Depends(token_desk_of)]
OpeningHere = Annotated[Opening, Depends()]
DeliveryHere = Annotated[Delivery, Depends(_delivery)]
ArtifactsHere = Annotated[Artifacts, Depends(_artifacts)]
