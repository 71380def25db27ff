"""What a plan does below the services: the resources of a cloud, and what they cost. Plain data.

A target that provisions something makes it (`Target.preview`), a plan carries it, people read it
after the services. Targets without resources of their own have nothing to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ResourceAction = Literal["create", "update", "replace", "delete"]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that changes. `service` is whose it is, empty for the environment's own.

    `kind` is the provider's type (`aws_ecs_service`), `address` its place in the configuration.
    `reasons` name the attributes that differ, never a sensitive value. `destructive` marks what
    loses data or answers.
    """

    service: str
    kind: str
    address: str
    action: ResourceAction
    reasons: tuple[str, ...] = ()
    destructive: bool = False


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """What a service (or `environment`) costs in a month, before and after, in US dollars."""

    subject: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Preview:
    """Resources and costs of a plan. `budget` is the environment's, in US dollars a month."""

    resources: tuple[ResourceChange, ...] = ()
    costs: tuple[MonthlyCost, ...] = ()
    budget: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def destructive(self) -> tuple[ResourceChange, ...]:
        """The resources whose change loses something."""
        return tuple(change for change in self.resources if change.destructive)


NOTHING = Preview()
"""What a target without resources of its own shows."""
