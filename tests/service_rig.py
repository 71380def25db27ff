"""The delivery of an environment as the API gets it: service, store, simulated target, engine.

`Desk` is the world of `delivery_world` with the `EnvironmentDelivery` on top. Where nothing has to
happen to a deployment it is `resting`: what is submitted stays as it was opened.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from tests.delivery_world import World, shop

from fairway.control.policy_desk import EnvironmentPolicies
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Actor, Wish
from fairway.delivery.service import EnvironmentDelivery, Parts
from fairway.governance.sql_store import SqlPolicyStore

ADA = Actor("ada", "deployer")
BOB = Actor("bob", "approver")
EVE = Actor("eve", "admin")


@dataclass
class Resting:
    """An engine that begins with nothing."""

    submitted: list[str] = field(default_factory=list)

    async def submit(self, deployment: Deployment) -> None:
        self.submitted.append(deployment.id)


class Desk(World):
    """The environment `prod` of the shop, with its service."""

    def __init__(self, folder: Path, *, resting: bool = False, **world: Any) -> None:
        super().__init__(folder, **world)
        numbers = count(1)
        self.secrets: dict[str, int] = {}
        self.missing: set[str] = set()
        self.policies = EnvironmentPolicies(SqlPolicyStore(self.database), self.clock)
        self.delivery = EnvironmentDelivery(
            Parts(
                app="shop",
                environment="prod",
                store=self.store,
                target=self.target,
                engine=Resting() if resting else self.engine,
                policies=self.policies,
                secrets=lambda _app: self.secrets,
                clock=self.clock,
                new_id=lambda: f"d{next(numbers)}",
                has_artifact=lambda digest: digest not in self.missing,
            )
        )

    def wish(self, version: str, fault: str = "", **changed: Any) -> Wish:
        """The shop in a version; `changed` are fields of the wish, else keys of its environment."""
        names = Wish.__dataclass_fields__
        fields = {name: changed.pop(name) for name in tuple(changed) if name in names}
        app = shop(fault, run=version, **changed).model_dump(
            mode="json", by_alias=True, exclude_none=True
        )
        return replace(Wish(app=app), **fields)

    async def shipped(self, wish: Wish, by: Actor = ADA) -> Deployment:
        """Deploy it and wait for the end."""
        return await self.ended((await self.delivery.deploy(wish, by)).id)


def forbidding(desk: Desk, name: str) -> str:
    """The policies that follow from the calls, with one more that has this name."""
    own = desk.policies.prepared(desk.app("one"), None)
    return f'{own}@id("{name}") forbid(principal, action, resource) when {{ false }};\n'
