"""The values of the root modules, computed from what should be there. Pure.

Called by `rendering/roots.py`, by the target before every apply, and by the estimate of costs.
Everything here is data: the modules under `infra/` decide which resources come from it. What equals
a default of the root module is left out, so that a file says only what somebody chose.
"""

from __future__ import annotations

from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.values.access import access
from fairway.targets.aws.values.data import data
from fairway.targets.aws.values.edge import edge
from fairway.targets.aws.values.environment import environment
from fairway.targets.aws.values.observing import observing
from fairway.targets.aws.values.place import place_of
from fairway.targets.aws.values.root import Values, title
from fairway.targets.aws.values.services import services

__all__ = ["Values", "values"]

_PARTS = {
    "app": environment,
    "services": services,
    "data": data,
    "edge": edge,
    "access": access,
    "observability": observing,
}


def values(standing: Standing, region: str) -> Values:
    """The values of the region root; NotFound for a region that the environment is not in."""
    place = place_of(standing, region)
    files = {f"{name}.auto.tfvars": part(place) for name, part in _PARTS.items()}
    return Values(
        title(place, region), {name: assigns for name, assigns in files.items() if assigns}
    )
