"""From the traffic of a deployment to what one of its services does with requests. Pure.

Used by `build.py`. A service is on trial while it has a candidate and something to compare it with;
then each of its versions has a cohort: the candidate that of the deployment, all others `stable`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fairway.errors import InvalidInput
from fairway.targets.contract import Routing, Split
from fairway.targets.mesh.view import STABLE, USER, Trial, Version

STICKY_COOKIE: Final = "cookie"
_NOT_STICKY: Final = "none"
_BY_HEADER: Final = "header:"


def on_trial(
    service: str, versions: tuple[Version, ...], routing: Routing | None
) -> tuple[tuple[Version, ...], Trial | None]:
    """The versions of a service with the weights and cohorts that a deployment gives them."""
    split = routing.services.get(service) if routing is not None else None
    if routing is None or split is None:
        return covered(versions), None
    weighted = covered(tuple(replace(v, weight=split.weights.get(v.name, 0)) for v in versions))
    names = {version.name for version in versions}
    if not routing.cohort or split.candidate not in names or len(names) == 1:
        return weighted, None
    trial = Trial(split.candidate, routing.cohort, sticky_header(routing.sticky), routing.mirror)
    return tuple(replace(v, cohort=_cohort(v, split, routing.cohort)) for v in weighted), trial


def covered(versions: tuple[Version, ...]) -> tuple[Version, ...]:
    """What a version without a healthy replica would be asked is asked of one that has some.

    The first one gets all of it: this lasts until a replica has started again.
    """
    missing = sum(version.weight for version in versions if not version.endpoints)
    stand_in = next((v.name for v in versions if v.weight and v.endpoints), None)
    if not missing or stand_in is None:
        return versions
    return tuple(
        replace(v, weight=v.weight + (missing if v.name == stand_in else 0))
        if v.endpoints
        else replace(v, weight=0)
        for v in versions
    )


def _cohort(version: Version, split: Split, label: str) -> str:
    return label if version.name == split.candidate else STABLE


def sticky_header(sticky: str) -> str | None:
    """The request header by which users stay in their cohort; None: they do not."""
    if sticky == STICKY_COOKIE:
        return USER
    if sticky == _NOT_STICKY:
        return None
    name = sticky.removeprefix(_BY_HEADER).lower()
    if not sticky.startswith(_BY_HEADER) or not name:
        raise InvalidInput(
            "sticky-unknown",
            f"users cannot be told apart by {sticky!r}",
            remedy="say cookie, header:<name> or none",
        )
    return name
