"""What differs between what is there on AWS and what was settled. Pure: `inspecting.py` finds it.

process          fewer healthy tasks than there should be
replicas         another number of tasks is wanted than was settled, here or at ECS
version          something else runs, nothing runs, or a task definition has another image
weights          a load balancer divides otherwise
mesh-file        a published file was edited or removed
policies         another set decides, or what services or the decision function read was edited
unknown-process  an ECS service that nobody knows
resource         what Terraform made was changed behind its back
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairway.model.services import Service
from fairway.plan.preview import ResourceChange
from fairway.targets.aws import names
from fairway.targets.aws.balancing import Rule, wanted_weights
from fairway.targets.aws.observing import Running
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.contract import Drift, DriftKind

_OWN = frozenset({names.GATEWAY})
"""ECS services that are no version of a service."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one region. `healthy` counts tasks and `images` are by ECS service;
    `edited` are keys of documents; `tampered`: the table of the decision function has other
    policies.
    """

    region: str
    services: Mapping[str, Running]
    healthy: Mapping[str, int]
    images: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    edited: tuple[str, ...] = ()
    tampered: bool = False


def drifts(
    standing: Standing, found: tuple[Found, ...], changed: tuple[ResourceChange, ...] = ()
) -> tuple[Drift, ...]:
    """Every difference; none before anything was settled."""
    if standing.release == 0:
        return ()
    return (
        *_settled(standing),
        *_policies(standing, found),
        *(drift for each in found for drift in _of_region(standing, each)),
        *(_resource(change) for change in changed),
    )


def label(service: str, version: str) -> str:
    """How people call a version."""
    return f"{service} {version}"


def _settled(standing: Standing) -> Iterator[Drift]:
    """What should be there by its own account, compared with what was settled."""
    for service, replicas in standing.settled.items():
        for name, count in replicas.items():
            version = standing.find(service, name)
            if version is None:
                again = "deploy the release again"
                yield Drift("version", label(service, name), "runs", "nothing", again)
            elif version.replicas != count:
                yield Drift(
                    "replicas", label(service, name), f"{count} replicas", f"{version.replicas}",
                    "they are scaled",
                )  # fmt: skip
    for service, version in standing.versions:
        if version.name not in standing.settled.get(service, {}):
            subject = label(service, version.name)
            yield Drift("version", subject, "nothing", "runs", "it is stopped")


def _policies(standing: Standing, found: tuple[Found, ...]) -> Iterator[Drift]:
    if standing.policy_set != standing.settled_policy_set:
        expected = f"policy set {standing.settled_policy_set}"
        now = f"policy set {standing.policy_set}"
        yield Drift("policies", "policies", expected, now, "the settled set is activated")
    for each in found:
        if each.tampered:
            expected = f"policy set {standing.policy_set}"
            yield Drift(
                "policies", f"{each.region}/decisions", expected, "edited, or another set",
                "the decision function gets it again",
            )  # fmt: skip
        for key in each.edited:
            kind: DriftKind = "mesh-file" if key.startswith("mesh/") else "policies"
            yield Drift(
                kind, f"{each.region}/{key}", "as Fairway wrote it", "edited or removed",
                "it is written again",
            )  # fmt: skip


def _of_region(standing: Standing, found: Found) -> Iterator[Drift]:
    known = set(_OWN)
    for service, version in standing.versions:
        if version.service.kind == "static":
            continue
        name = names.service_name(service, version.name)
        known.add(name)
        if standing.settled.get(service, {}).get(version.name) == version.replicas:
            yield from _version(standing, service, version, found)
    for name in sorted(found.services.keys() - known):
        yield Drift(
            "unknown-process", f"{found.region}/{name}", "nothing", "an ECS service nobody knows",
            "delete it: aws ecs delete-service",
        )  # fmt: skip
    yield from _weights(standing, found)


def _version(
    standing: Standing, service: str, version: StandingVersion, found: Found
) -> Iterator[Drift]:
    subject = f"{label(service, version.name)} in {found.region}"
    running = found.services.get(names.service_name(service, version.name))
    wanted = standing.tasks(service, version)
    if running is None:
        yield Drift("version", subject, "runs", "nothing", "it is created again")
        return
    image = found.images.get(running.name, "")
    if version.image and image and _digest(image) != _digest(version.image):
        yield Drift("version", subject, version.image, image, "its task definition is restored")
    if not _allowed(version.service, wanted, running.desired):
        expected, now = f"{wanted} tasks", f"{running.desired} are wanted at ECS"
        yield Drift("replicas", subject, expected, now, "they are scaled")
    elif found.healthy.get(running.name, 0) < running.desired:
        expected, now = f"{running.desired} healthy tasks", f"{found.healthy.get(running.name, 0)}"
        yield Drift("process", subject, expected, now, "what is missing is started")


def _allowed(service: Service, wanted: int, desired: int) -> bool:
    """Autoscaling may choose within its bounds."""
    if desired == wanted:
        return True
    scale = service.scale
    return scale is not None and service.replicas is None and scale.min <= desired <= scale.max


def _digest(image: str) -> str:
    """An image is the same in the registry of every region."""
    return image.rpartition("@")[2] if "@" in image else image


def _weights(standing: Standing, found: Found) -> Iterator[Drift]:
    wanted = wanted_weights(standing)
    for rule in found.rules:
        right = {slot: weight for slot, weight in wanted.get(rule.service, {}).items() if weight}
        now = {slot: weight for slot, weight in rule.weights.items() if weight}
        if right != now:
            yield Drift(
                "weights", f"{rule.service} in {found.region}", _shares(standing, rule, right),
                _shares(standing, rule, now), "the load balancer is told again",
            )  # fmt: skip


def _shares(standing: Standing, rule: Rule, weights: Mapping[str, int]) -> str:
    """`r1 90, r2 10`, by the versions in these slots."""
    versions = {version.slot: version.name for version in standing.services.get(rule.service, ())}
    shares = [f"{versions.get(slot, f'slot {slot}')} {weights[slot]}" for slot in sorted(weights)]
    return ", ".join(shares) or "nobody"


def _resource(change: ResourceChange) -> Drift:
    now = {"delete": "is gone", "create": "is there", "update": "was changed"}.get(
        change.action, "was replaced"
    )
    found = f"{now}: {', '.join(change.reasons)}" if change.reasons else now
    return Drift("resource", change.address, "as Terraform made it", found, "Terraform restores it")
