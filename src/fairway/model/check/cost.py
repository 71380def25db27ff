"""Assumptions about use: each is about something that is there, and changes what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.model.app import App
from fairway.model.check.subject import Finding, Subject
from fairway.model.environments import Environment
from fairway.model.names import did_you_mean
from fairway.model.places import Path
from fairway.model.usage import ENVIRONMENT, keys_of


def check_cost(subject: Subject) -> Iterator[Finding]:
    """Judged once, from the app as declared."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        path = ("environments", name, "cost")
        if environment.cost.model_fields_set and environment.target != "aws-ecs":
            yield _no_prices(environment, path)
        for about, keys in environment.cost.usage.items():
            yield from _assumptions(subject, environment, about, keys, (*path, "usage", about))


def _assumptions(
    subject: Subject, environment: Environment, about: str, keys: Mapping[str, float], path: Path
) -> Iterator[Finding]:
    known = keys_of(subject.app, about)
    if known is None:
        yield _unknown_subject(subject, about, path)
        return
    for key in keys:
        at = (*path, key)
        if key not in known:
            remedy = did_you_mean(key, known, "remove it")
            message = f"nothing is known to be assumed of '{about}' by '{key}'"
            yield Finding(at, "unknown-usage", message, remedy, at_key=True)
        elif why := _changes_nothing(subject.app, environment, about, key):
            remedy = "remove it: it would change nothing"
            yield Finding(
                at,
                "unused-usage",
                f"'{key}' of '{about}' costs nothing: {why}",
                remedy,
                at_key=True,
            )


def _unknown_subject(subject: Subject, about: str, path: Path) -> Finding:
    known = frozenset({ENVIRONMENT}).union(*map(subject.names, ("services", "stores", "topics")))
    return Finding(
        path,
        "unknown-usage",
        f"there is no service, store or topic '{about}'",
        did_you_mean(about, known, "declare it, or name one that is declared"),
        at_key=True,
    )


def _changes_nothing(app: App, environment: Environment, about: str, key: str) -> str | None:
    """Why an assumption of a known key has no price here; None when it has one."""
    if about == ENVIRONMENT:
        none = key == "nat" and environment.aws.network.nat == "none"
        return "there is no NAT gateway here" if none else None
    service = app.services.get(about)
    if service is None or key not in ("requests", "response") or service.kind == "static":
        return None
    if service.public or about in environment.aws.outside_mesh:
        return None
    return "calls inside the mesh are not billed by the request"


def _no_prices(environment: Environment, path: Path) -> Finding:
    return Finding(
        path,
        "no-prices",
        f"there are no prices for the target {environment.target}",
        "remove it, or use a target whose cost is estimated: aws-ecs",
        at_key=True,
        warning=True,
    )
