"""From what someone wants deployed to a release's content and the deployment of it.

`service.py` calls it with everything that it has to know; the only thing done here is to ask the
policies port. It guarantees that a wish which cannot be fulfilled is refused before anything is
kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Actor, Wish
from fairway.delivery.strategies import course
from fairway.errors import Conflict, InvalidInput, Refused
from fairway.model.app import App
from fairway.plan.observed import Observed
from fairway.plan.plan import Plan
from fairway.plan.planner import plan
from fairway.plan.release import Release, ReleaseContent
from fairway.plan.releases import app_of, digest, release_content
from fairway.plan.schemas import Schemas, schema_conflict


class PolicyDesk(Protocol):
    """The policy sets of the environment, as far as a release needs them."""

    def prepared(self, app: App, text: str | None) -> str:
        """The app's own policies as they would be kept; None: those that follow from its calls.

        Raises InvalidAppFile with every problem.
        """
        ...

    def version_of(self, text: str) -> int:
        """The version that has this text, or the one it would get; nothing is kept."""
        ...

    def keep(self, text: str, by: str) -> int:
        """The version of this text, kept if it is new. It does not decide yet."""
        ...

    def text(self, version: int) -> str:
        """The text of a version; NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What a wish is weighed against. `schemas` is how far databases were migrated."""

    app: str
    environment: str
    observed: Observed
    base: Release | None
    schemas: Schemas
    secrets: Callable[[App], Mapping[str, int]]
    policies: PolicyDesk


@dataclass(frozen=True, slots=True)
class Prepared:
    """A wish that can be fulfilled. `text` are its policies, None for a kept release."""

    content: ReleaseContent
    kept: Release | None
    text: str | None


def prepare(wish: Wish, kept: Release | None, ground: Ground) -> Prepared:
    """What the wish is about: a kept release, or the content of a new one.

    Raises InvalidInput for an app that is none, and Refused when its database has moved on.
    """
    if kept is not None:
        _check_schema(kept.content, kept.name, ground)
        return Prepared(kept.content, kept, None)
    app = _app(wish, ground)
    text = ground.policies.prepared(app, wish.policies)
    version = ground.policies.version_of(text)
    content = release_content(app, wish.artifacts, ground.secrets(app), version, digest(text))
    _check_schema(content, "this app", ground)
    return Prepared(content, None, text)


def _check_schema(content: ReleaseContent, name: str, ground: Ground) -> None:
    """Refuse what the databases have been migrated away from, be it kept or an older file."""
    conflict = schema_conflict(ground.schemas, content, name)
    if conflict is not None:
        raise Refused(
            "schema-has-moved-on",
            conflict,
            where=name,
            remedy="deploy a release that works with the present schema, or migrate it forward",
        )


def check_artifacts(content: ReleaseContent, found: Plan, has: Callable[[str], bool]) -> None:
    """Conflict when something that a version would be started from is not there any more."""
    for move in found.moves:
        if move.after is None or move.after == move.before:
            continue
        artifact = content.services[move.service].artifact
        if artifact and not has(artifact):
            raise Conflict(
                "artifact-gone",
                f"the artifact of {move.service} is not here: {artifact[:19]}…",
                where=move.service,
                remedy="deploy from the folder with the source of that version, which makes and "
                "sends it again",
            )


def planned(prepared: Prepared, ground: Ground, number: int) -> Plan:
    """What would be done to bring it in as release `number`."""
    return plan(
        prepared.content,
        ground.observed,
        base=ground.base,
        environment=ground.environment,
        next_number=number,
    )


def deployment_of(  # noqa: PLR0913 - each a fact of its own
    wish: Wish,
    release: Release,
    found: Plan,
    by: Actor,
    *,
    id: str,
    at: float,
) -> Deployment:
    """The deployment of a plan, before anything has happened to it."""
    declared = app_of(release.content).environments[found.environment]
    return Deployment(
        id=id,
        plan=found,
        course=course(found, declared, emergency=wish.emergency),
        release=release.number,
        base=found.base,
        by=by.name,
        at=at,
        note=wish.reason or wish.note,
        agreed=wish.fingerprint is not None,
    )


def _app(wish: Wish, ground: Ground) -> App:
    if wish.app is None:
        raise InvalidInput(
            "nothing-wished",
            "neither an app nor a release was given",
            remedy="send the app, or the number of a kept release",
        )
    try:
        app = App.model_validate(wish.app)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            "invalid-app",
            f"this is not an app: {first['msg']}",
            where=".".join(str(part) for part in first["loc"]),
            remedy="send what `fairway validate --json` prints for a valid app file",
        ) from error
    if app.app != ground.app:
        raise InvalidInput(
            "another-app",
            f"this is the app '{app.app}', and here is the place of '{ground.app}'",
            where="app",
            remedy="deploy it to an environment of its own",
        )
    if ground.environment not in app.environments:
        raise InvalidInput(
            "undeclared-environment",
            f"the app does not declare the environment '{ground.environment}'",
            where="environments",
            remedy="declare it there",
        )
    return app
