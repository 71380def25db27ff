"""The steps from one `Standing` to the next that a release and wishes make. Pure.

`AwsTarget` keeps the result before it acts on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from fairway.plan.release import Release, ServiceRelease
from fairway.targets.aws.refusals import (
    no_copies,
    not_described,
    not_running,
    not_whole,
    still_asked,
)
from fairway.targets.aws.standing.state import Key, Standing, StandingVersion
from fairway.targets.contract import Routing, Split, Wanted

ImageOf = Callable[[str, str], str]
"""The complete reference of an image: (service, artifact)."""
_EVERYTHING = 100


def applied(
    standing: Standing, release: Release, wanted: Sequence[Wanted], image_of: ImageOf, now: float
) -> Standing:
    """With these versions, as they are known here already, else as the release describes them."""
    fresh = standing.with_app(release)
    for want in wanted:
        known = standing.find(want.service, want.version)
        version = known or _described(release, want, image_of, now)
        fresh = fresh.with_version(want.service, replace(version, replicas=want.replicas))
    return fresh


def alone(environment: str, release: Release, image_of: ImageOf) -> Standing:
    """A release by itself, as if it were settled: what `render` shows."""
    standing = Standing(environment, {}).governed(release)
    for name in release.content.services:
        want = Wanted(name, release.name, 0)
        version = _described(release, want, image_of, 0.0)
        replicas = version.service.desired_replicas
        standing = standing.with_version(name, replace(version, replicas=replicas, weight=100))
    return standing.settle(release)


def check_routing(standing: Standing, routing: Routing) -> None:
    """InvalidInput, Conflict or Refused for traffic that cannot be divided so."""
    for service, split in routing.services.items():
        _check_split(standing, service, split)
        if routing.mirror and split.candidate is not None and service in standing.outside_mesh:
            raise no_copies(service)


def leaving(standing: Standing, versions: Sequence[Key]) -> tuple[Key, ...]:
    """Those of the versions that are there; Conflict for one that still gets requests."""
    found = {key: standing.find(*key) for key in versions}
    for key, version in found.items():
        if version is not None and version.weight:
            raise still_asked(*key)
    return tuple(key for key, version in found.items() if version is not None)


def emptied(standing: Standing, keys: Sequence[Key]) -> Standing:
    """With no task of these versions."""
    for service, name in keys:
        version = standing.find(service, name)
        if version is not None:
            standing = standing.with_version(service, replace(version, replicas=0))
    return standing


def resettled(standing: Standing) -> Standing:
    """With the replicas and the policy set that were settled."""
    for service, replicas in standing.settled.items():
        for name, count in replicas.items():
            version = standing.find(service, name)
            if version is not None:
                standing = standing.with_version(service, replace(version, replicas=count))
    return replace(standing, policy_set=standing.settled_policy_set)


def idle_workers(standing: Standing, services: Mapping[str, Split]) -> tuple[Key, ...]:
    """The versions of workers and jobs among these services; which of them runs has changed."""
    return tuple(
        (service, version.name)
        for service, version in standing.versions
        if service in services and not version.service.serves
    )


def _check_split(standing: Standing, service: str, split: Split) -> None:
    total = sum(split.weights.values())
    if split.weights and total != _EVERYTHING:
        raise not_whole(service, total)
    for version, weight in split.weights.items():
        if weight and standing.find(service, version) is None:
            raise not_running(service, version)


def _described(release: Release, want: Wanted, image_of: ImageOf, now: float) -> StandingVersion:
    described = release.content.services.get(want.service)
    if described is None:
        raise not_described(release.name, want.service, want.version)
    image = _image(want.service, described, image_of)
    return StandingVersion(
        name=want.version,
        declared=described.declared,
        image=image,
        digest=described.digest,
        replicas=want.replicas,
        since=now,
    )


def _image(service: str, described: ServiceRelease, image_of: ImageOf) -> str:
    """What was pushed for it, else what it names itself; a static site has none."""
    artifact, named = described.artifact, described.declared.get("image")
    if described.declared.get("kind") == "static":
        return ""
    if "@" in artifact or "/" in artifact:
        return artifact
    if artifact and not named:
        return image_of(service, artifact)
    return str(named or "")
