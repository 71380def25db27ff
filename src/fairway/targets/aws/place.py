"""Where an environment is on AWS, and with which hands it is touched.

Every module of this target that talks to AWS takes a `Place`. Names come from `names.py`, so that
nothing here has to ask Terraform what it has made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fairway.errors import Refused
from fairway.targets.aws import names
from fairway.targets.aws.clients import Clients


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    `start` comes on top of a service's own `start_timeout`: placing a task and pulling its image.
    `confirm` is for agents to report new files, `drain` for tasks to end, `between` for two looks.
    """

    start: float = 240.0
    confirm: float = 60.0
    drain: float = 150.0
    between: float = 2.0


@dataclass(frozen=True)
class Place:
    """An environment. `lead` is the region of its record; `owner` the account it belongs to."""

    app: str
    environment: str
    lead: str
    clients: Clients
    clock: Callable[[], float]
    owner: str | None = None
    patience: Patience = field(default_factory=Patience)

    def require_account(self) -> str:
        """The account in use; Refused when the environment belongs to another. Blocks."""
        found = self.clients.account(self.lead)
        if self.owner is not None and found != self.owner:
            raise Refused(
                "aws-other-account",
                f"'{self.environment}' belongs to the account {self.owner}, and the credentials "
                f"are of {found}",
                where=f"environments.{self.environment}.aws.account",
                remedy="use the credentials of that account: set AWS_PROFILE",
            )
        return found

    @property
    def cluster(self) -> str:
        """The ECS cluster, in every region."""
        return names.cluster(self.app, self.environment)

    @property
    def standing_table(self) -> str:
        """What should be there, in the region that leads."""
        return names.standing_table(self.app, self.environment)

    @property
    def telemetry_table(self) -> str:
        """What agents report, in every region."""
        return names.telemetry_table(self.app, self.environment)

    @property
    def policy_table(self) -> str:
        """What the decision function decides by, in every region."""
        return names.policy_table(self.app, self.environment)

    def config_bucket(self, region: str) -> str:
        """What tasks are told, in every region. Blocks."""
        return names.config_bucket(self.app, self.environment, self.require_account(), region)

    def target_groups(self, service: str, slots: tuple[str, ...]) -> dict[str, str]:
        """The names of a service's target groups, to their slots."""
        return {
            names.target_group(self.app, self.environment, service, slot): slot for slot in slots
        }

    def image(self, service: str, artifact: str) -> str:
        """The complete reference of an image in the environment's own registry. Blocks."""
        return self.image_of(service, artifact, self.require_account())

    def image_of(self, service: str, artifact: str, account: str) -> str:
        """Likewise in the registry of an account; images are pushed in the region that leads."""
        registry = f"{account}.dkr.ecr.{self.lead}.amazonaws.com"
        return f"{registry}/{names.repository(self.app, self.environment, service)}@{artifact}"
