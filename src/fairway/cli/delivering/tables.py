"""Deployments, releases and drift as tables and pages of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from fairway.cli.delivering.plan_text import plan_lines
from fairway.cli.delivering.verdict import closing_lines
from fairway.cli.delivering.views import version_words
from fairway.cli.output import Painter, duration, table, when
from fairway.cli.summary import short
from fairway.control.recorded import ReleaseRecord
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import DeliveryEvent, Watching
from fairway.delivery.words import changed_words, plural, status_words
from fairway.plan.release import Release, ServiceRelease
from fairway.targets.contract import Drift

_DEPLOYMENTS = ("DEPLOYMENT", "RELEASE", "STATUS", "BEGUN", "TOOK", "BY", "NOTE")
_RELEASES = ("", "RELEASE", "MADE", "OUTCOME", "BY", "POLICIES", "CHANGED", "NOTE")
_DRIFT = ("KIND", "WHAT", "SHOULD BE", "IS", "REPAIR")


def deployments_table(found: Sequence[Deployment], now: float, paint: Painter) -> str:
    """One line per deployment."""
    rows = [
        (
            each.id,
            f"{f'r{each.base} → ' if each.base else ''}r{each.release}",
            status_words(each),
            when(each.at),
            duration((each.ended_at or now) - each.at),
            each.by,
            each.note or each.reason.partition("\n")[0],
        )
        for each in found
    ]
    return table(_DEPLOYMENTS, rows, paint, state=2)


def history_table(
    releases: Sequence[Release],
    in_force: int,
    outcome: Mapping[int, str],
    paint: Painter,
    activations: Sequence[ReleaseRecord] = (),
) -> str:
    """One line per release, the newest first; `*` marks the one in force.

    `activations` are releases too, of policies alone, and numbered with the others.
    """
    before = {new.number: old for new, old in pairwise(releases)}
    rows: dict[int, tuple[str, ...]] = {
        each.number: (
            "*" if each.number == in_force else "",
            each.name,
            when(each.at),
            outcome.get(each.number, "-"),
            each.by,
            str(each.content.policy_set),
            changed_words(before.get(each.number), each),
            each.note,
        )
        for each in releases
    }
    rows |= {each.number: _activation_row(each) for each in activations}
    return table(_RELEASES, [rows[number] for number in sorted(rows, reverse=True)], paint, state=3)


def _activation_row(record: ReleaseRecord) -> tuple[str, ...]:
    return (
        "", f"r{record.number}", when(record.created_at), "activated", record.author,
        str(record.policy_set), "policies only", record.description,
    )  # fmt: skip


def release_lines(release: Release, in_force: bool, paint: Painter) -> Iterator[str]:
    """One release: what it is, and what each service is in it."""
    mark = f"  {paint.green('in force')}" if in_force else ""
    yield f"{paint.bold(release.name)} {paint.dim(release.digest)}{mark}"
    why = f": {release.note}" if release.note else ""
    yield f"made      {when(release.at)} by {release.by}{why}"
    yield f"policies  set {release.content.policy_set} ({short(release.content.policies)})"
    for store, (lowest, highest) in sorted(release.content.schema.items()):
        yield f"schema    {store}: {lowest} to {highest}"
    yield ""
    services = release.content.services
    rows = [_service_row(name, services[name]) for name in sorted(services)]
    yield table(("SERVICE", "VERSION DIGEST", "SOURCE", "SECRETS"), rows, paint)


def _service_row(name: str, service: ServiceRelease) -> tuple[str, ...]:
    secrets = ", ".join(f"{secret} v{version}" for secret, version in service.secrets.items())
    source = short(service.artifact) if service.artifact else "-"
    return (name, short(service.digest), source, secrets or "-")


def deployment_lines(
    deployment: Deployment,
    watching: Watching | None,
    events: Sequence[DeliveryEvent],
    paint: Painter,
) -> Iterator[str]:
    """One deployment: how it stands, its plan, and what happened."""
    yield from closing_lines(deployment, watching, paint)
    yield ""
    yield f"begun     {when(deployment.at)} by {deployment.by}"
    if deployment.note:
        yield f"note      {deployment.note}"
    for approval in deployment.approvals:
        why = f": {approval.reason}" if approval.reason else ""
        yield f"approved  by {approval.by} ({approval.role}) {when(approval.at)}{why}"
    asked = [each for each in watching.versions if each.requests] if watching else []
    for version in asked:
        yield f"seen      {version_words(version)}"
    yield ""
    yield from plan_lines(deployment.plan, None, paint, emergency=deployment.course.emergency)
    yield ""
    yield from (f"{paint.dim(when(event.at))}  {event.words or event.type}" for event in events)


def drift_table(found: Sequence[Drift], paint: Painter) -> str:
    """One line per difference."""
    rows = [(each.kind, each.subject, each.expected, each.found, each.repair) for each in found]
    return table(_DRIFT, rows, paint)


def drift_count(found: Sequence[Drift]) -> str:
    """How much differs, in words."""
    return plural(len(found), "difference") if found else "everything is as it should be"
