"""What should be there on AWS: the versions of every service and who gets which requests. Pure.

`AwsTarget` changes it before it acts and keeps it in DynamoDB, so that a control plane that died is
continued by the next one. From it follow the values of the root modules (`values/`) and the files
of every Envoy (`mesh/`). Values are frozen; every change makes a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway.model.app import App
from fairway.model.services import Service
from fairway.plan.release import Json
from fairway.targets.contract import Routing

SLOTS = ("a", "b", "c", "d", "e")
"""Names of target groups: a load balancer's rule divides requests among five at most."""


@dataclass(frozen=True, slots=True)
class StandingVersion:
    """One version of a service: how it is declared, from which image, how often, how much.

    `image` is a complete reference, by digest once it is pushed; empty for a static site. `slot` is
    its target group where a load balancer divides the requests of its service.
    """

    name: str
    declared: Json
    image: str
    digest: str
    replicas: int
    weight: int = 0
    slot: str = "a"

    @property
    def service(self) -> Service:
        """Its declaration."""
        return Service.model_validate(self.declared)


@dataclass(frozen=True, slots=True)
class Standing:
    """An environment as it should be.

    `app` is the app in force as JSON, its environment's overrides merged in; while a deployment is
    under way it is the union of both releases'. `release` is the settled one, `settled` its digests
    by service. `stores` are all that ever were, by name, as declared: their data is not deleted
    when a release stops naming them. `control_plane` is where `fairway server` answers, if known.
    """

    environment: str
    app: Json
    services: Mapping[str, tuple[StandingVersion, ...]] = field(default_factory=dict)
    routing: Routing | None = None
    policy_set: int = 0
    release: int = 0
    settled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    settled_policy_set: int = 0
    stores: Mapping[str, Json] = field(default_factory=dict)

    @property
    def model(self) -> App:
        """The app, validated."""
        return App.model_validate(self.app)
