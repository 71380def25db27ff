"""The values of the root modules, computed from what should be there. Pure.

Called by `rendering.py`, by the target before every apply, and by the estimate of costs. Everything
here is data: the modules under `infra/` decide which resources come from it. What equals a default
of the root module is left out, so that a file says only what somebody chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.targets.aws.standing import Standing
from fairway.targets.aws.values.access import access
from fairway.targets.aws.values.data import data
from fairway.targets.aws.values.edge import edge
from fairway.targets.aws.values.environment import environment
from fairway.targets.aws.values.hcl import Assign, bare, tfvars
from fairway.targets.aws.values.observing import observing
from fairway.targets.aws.values.place import Place, place_of
from fairway.targets.aws.values.services import services

_PARTS = {
    "app": environment,
    "services": services,
    "data": data,
    "edge": edge,
    "access": access,
    "observability": observing,
}


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one root, by file (`services.auto.tfvars`)."""

    title: str
    files: Mapping[str, tuple[Assign, ...]]

    def texts(self) -> dict[str, str]:
        """The files as Terraform reads them."""
        return {name: tfvars(self.title, assigns) for name, assigns in self.files.items()}

    def plain(self) -> dict[str, object]:
        """All variables with their values, without comments."""
        return {each.name: bare(each.value) for file in self.files.values() for each in file}


def values(standing: Standing, region: str) -> Values:
    """The values of the region root; NotFound for a region that the environment is not in."""
    place = place_of(standing, region)
    files = {f"{name}.auto.tfvars": part(place) for name, part in _PARTS.items()}
    return Values(_title(place), {name: assigns for name, assigns in files.items() if assigns})


def _title(place: Place) -> str:
    where = f"{place.app.app}, environment {place.standing.environment}, {place.region}"
    return f"{where}\nComputed by Fairway from the app file: change that, not this."
