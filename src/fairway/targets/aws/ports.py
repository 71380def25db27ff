"""What `AwsTarget` is given: who provisions, what the mesh is told, which rules decide.

`wiring` joins the target with Terraform and with governance through these; tests give others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from fairway.model.app import App
from fairway.plan.preview import Preview, ResourceChange
from fairway.targets.aws.standing.state import Standing
from fairway.targets.mesh.build import Access
from fairway_runtime.policy.bundle import PolicyBundle


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what by one policy set: for services as a bundle, for the mesh as a table."""

    bundle: PolicyBundle
    access: Access


Governing = Callable[[App, int], Rules]
"""The rules of a policy set for an app; NotFound for a set that is not there. May block."""


def version_of(text: str) -> str:
    """How a document is called when it is told that it is in force."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Document:
    """One object of the configuration bucket, all files of one kind for the tasks of a version.

    Their agents fetch it and report its `digest` once every file of it is in force. `service` and
    `version` say whose tasks; the gateway's version is empty.
    """

    key: str
    text: str
    kind: Literal["mesh", "handouts"]
    service: str
    version: str
    digest: str


Documents = Callable[[Standing, str, Rules], Sequence[Document]]
"""Everything that the tasks in a region are told. Pure; see `targets/aws/mesh/`."""


HandOver = Callable[[App, Sequence[str]], None]
"""Puts into the secrets of services, in these regions, what tasks read when they start. Blocks."""


class Provision(Protocol):
    """Has the resources of an environment be what a `Standing` needs, in all its regions.

    It creates the ECS services of versions with the replicas named there, and leaves the number of
    tasks and the weights of load balancers alone afterwards.
    """

    def rendered(self, standing: Standing) -> dict[str, str]:
        """The files that it works from, by relative path. Pure."""
        ...

    async def preview(self, standing: Standing) -> Preview:
        """What `apply` would change, and what it costs."""
        ...

    async def apply(self, standing: Standing) -> None:
        """Make it so; Refused before anything is changed when data would be lost."""
        ...

    async def differences(self, standing: Standing) -> tuple[ResourceChange, ...]:
        """What was changed behind its back since the last `apply`."""
        ...
