"""Values of the roots that an environment has once, in the region that leads. Pure.

`account` holds Terraform's state, `registry` the images, `control-plane` the server of the
environment. `fairway bootstrap` applies them before anything of the app.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairway import __version__
from fairway.targets.aws import names
from fairway.targets.aws.values.hcl import Assign
from fairway.targets.aws.values.place import Place
from fairway.targets.aws.values.root import Values, title

SIDECAR = names.SIDECAR_REPOSITORY
"""The repository of the sidecar's image: Envoy with its agent."""

SERVER = "fairway"
"""The repository of the control plane's image."""


@dataclass(frozen=True, slots=True)
class _Head:
    """What every root says first."""

    place: Place

    @property
    def assigns(self) -> tuple[Assign, ...]:
        """Names, region and account."""
        place = self.place
        account = place.environment.aws.account
        return (
            Assign("app", place.app.app),
            Assign("environment", place.standing.environment),
            Assign("name", place.name),
            Assign("region", place.lead),
            *([Assign("account", account)] if account else []),
        )


def account_values(place: Place) -> Values:
    """State, the table of what should be there, who may deploy from CI, and what it may cost."""
    aws, cost = place.environment.aws, place.environment.cost
    assigns = [*_Head(place).assigns]
    if len(place.regions) > 1:
        comment = "The app runs in these regions as well."
        assigns.append(Assign("other_regions", list(place.regions[1:]), comment, apart=True))
    if aws.repository is not None:
        comment = "Workflows of this repository may deploy, and nobody else's."
        assigns.append(Assign("repository", aws.repository, comment, apart=True))
    if aws.operators:
        comment = "aws.operators of the app file: they deploy as well."
        assigns.append(Assign("operators", list(aws.operators), comment, apart=True))
    if cost.budget is not None:
        comment = "cost.budget of the app file, in US dollars a month."
        assigns.append(Assign("budget", cost.budget, comment, apart=True))
    if aws.alarms:
        assigns.append(Assign("alarm_emails", list(aws.alarms)))
    return _values("account", place, assigns)


def registry_values(place: Place) -> Values:
    """A repository for every image that is built, and copies in the other regions."""
    built = [
        name
        for name, service in sorted(place.app.services.items())
        if service.kind != "static" and service.image is None
    ]
    assigns = [*_Head(place).assigns]
    if len(place.regions) > 1:
        comment = "Tasks pull from their own region."
        assigns.append(Assign("replica_regions", list(place.regions[1:]), comment, apart=True))
    comment = "The services that are built, Fairway's sidecar and its server."
    assigns.append(Assign("repositories", [*built, SERVER, SIDECAR], comment, apart=True))
    return _values("registry", place, assigns)


def control_plane_values(place: Place) -> Values:
    """Where the server of the environment answers."""
    aws = place.environment.aws
    assigns = [*_Head(place).assigns]
    if aws.domain is not None:
        comment = "The server answers at this name, inside its network."
        assigns.append(Assign("domain", f"fairway.{aws.domain}", comment, apart=True))
    if aws.hosted_zone is not None:
        assigns.append(Assign("hosted_zone", aws.hosted_zone))
    if len(place.regions) > 1:
        comment = "What it provisions is in these regions as well."
        assigns.append(Assign("other_regions", list(place.regions[1:]), comment, apart=True))
    comment = "The server's image has this tag in the registry."
    assigns.append(Assign("fairway_version", __version__, comment, apart=True))
    return _values("control-plane", place, assigns)


def _values(kind: str, place: Place, assigns: list[Assign]) -> Values:
    return Values(title(place, kind), {f"{kind}.auto.tfvars": tuple(assigns)})


def sidecar_repository(app: str, environment: str) -> str:
    """Where the image of the sidecar is pushed to."""
    return names.repository(app, environment, SIDECAR)
