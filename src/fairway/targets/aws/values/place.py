"""Which environment in which of its regions the values are for. Pure.

Every module of this folder takes a `Place`. A region's number is its position in the app file: its
addresses follow from it, so a region is added at the end and never moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from typing import Literal

from fairway.errors import NotFound
from fairway.model.app import App
from fairway.model.environments import Environment
from fairway.model.services import Service
from fairway.targets.aws import names
from fairway.targets.aws.standing.state import Standing, StandingVersion

DEFAULT_REGION = "eu-central-1"
"""Where an environment is that names no region."""

FIRST = "r1"
"""The version that a rendered environment has before its first release."""

Role = Literal["primary", "secondary", "spare"]
"""What DNS makes of a region: it answers, it answers when the first does not, or it does not."""


@dataclass(frozen=True)
class Place:
    """An environment in one region. Not slotted: the model is validated once and kept."""

    standing: Standing
    region: str

    @cached_property
    def app(self) -> App:
        """The app as the environment sees it."""
        return self.standing.model

    @property
    def environment(self) -> Environment:
        """Its declaration."""
        return self.app.environments[self.standing.environment]

    @property
    def name(self) -> str:
        """What every name begins with: `axon-orbit-prod`."""
        return names.prefix(self.app.app, self.standing.environment)

    @property
    def regions(self) -> tuple[str, ...]:
        """All regions of the environment; the first leads."""
        return regions_of(self.environment)

    @property
    def lead(self) -> str:
        """The region that leads: state, images and what is not regional are there."""
        return self.regions[0]

    @property
    def number(self) -> int:
        """The position of this region."""
        return self.regions.index(self.region)

    @property
    def role(self) -> Role:
        """What DNS makes of it."""
        roles: tuple[Role, ...] = ("primary", "secondary", "spare")
        return roles[min(self.number, 2)]

    @property
    def cidr(self) -> str:
        """The block of addresses of this region: each one takes the next of the same size."""
        first = IPv4Network(self.environment.aws.network.cidr)
        start = int(first.network_address) + self.number * first.num_addresses
        return str(IPv4Network((start, first.prefixlen)))

    @property
    def traces(self) -> bool:
        """Whether a collector runs in every task."""
        return self.environment.telemetry.enabled

    def versions(self, service: str) -> tuple[StandingVersion, ...]:
        """The versions of a service that should be there."""
        return self.standing.services.get(service, ())

    def in_mesh(self, name: str, service: Service) -> bool:
        """Whether it has a sidecar: everything that runs, unless it was taken out."""
        return service.kind != "static" and name not in self.environment.aws.outside_mesh


def place_of(standing: Standing, region: str) -> Place:
    """The place; raises NotFound for a region that the environment does not name."""
    place = Place(standing, region)
    if region not in place.regions:
        raise NotFound(
            "unknown-region",
            f"the environment '{standing.environment}' is not in {region}",
            where=f"environments.{standing.environment}.regions",
            remedy=f"use one of {', '.join(place.regions)}, or add it at the end of the list",
        )
    return place


def regions_of(environment: Environment) -> tuple[str, ...]:
    """The regions of an environment, the one that leads first."""
    return environment.regions or (DEFAULT_REGION,)
