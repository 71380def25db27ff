"""What differs between two releases, for `fairway diff A B`: changes, and lines to read. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from fairway.plan.plan import Change
from fairway.plan.reasons import replicas_of, replicas_text, why_replaced
from fairway.plan.release import Release, ReleaseContent, ServiceRelease
from fairway.plan.releases import app_of
from fairway.plan.surroundings import changes_around, policy_change

_POLICIES = "policies.cedar"
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """From release `before` to release `after`; `lines` is a unified diff of app and policies."""

    before: int
    after: int
    changes: tuple[Change, ...]
    lines: str


def difference(
    before: Release, after: Release, policies: tuple[str, str], *, environment: str
) -> Difference:
    """What would change by going from one release to the other; `policies` are their two texts."""
    changes = (
        *_services(before, after),
        *changes_around(before.content, after.content, environment),
        *policy_change(_policy_set(before.content), _policy_set(after.content)),
    )
    lines = (
        *_unified(before.name, after.name, "fairway.yaml", *map(_app_text, (before, after))),
        *_unified(before.name, after.name, _POLICIES, *policies),
    )
    return Difference(before.number, after.number, changes, "\n".join(lines))


def _policy_set(content: ReleaseContent) -> tuple[int, str]:
    return content.policy_set, content.policies


def _services(before: Release, after: Release) -> Iterator[Change]:
    old, new = before.content.services, after.content.services
    for name in sorted(old.keys() | new.keys()):
        change = _service(name, old.get(name), new.get(name), before, after)
        if change is not None:
            yield change


def _service(
    name: str,
    old: ServiceRelease | None,
    new: ServiceRelease | None,
    before: Release,
    after: Release,
) -> Change | None:
    if new is None:
        reason = f"not in {after.name}"
        return Change("stop", name, before.name, "", (reason,), destructive=True)
    if old is None:
        return Change("start", name, "", after.name, (f"not in {before.name}",))
    if old.digest != new.digest:
        return Change("replace", name, before.name, after.name, why_replaced(old, new))
    return _scaled(name, old, new)


def _scaled(name: str, old: ServiceRelease, new: ServiceRelease) -> Change | None:
    was, now = replicas_of(old.declared), replicas_of(new.declared)
    return None if was == now else Change("scale", name, replicas_text(was), replicas_text(now))


def _app_text(release: Release) -> str:
    """The app nearly as its file says it: what is as by default is left out."""
    app: Mapping[str, Any] = app_of(release.content).model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _unified(before: str, after: str, file: str, old: str, new: str) -> Iterator[str]:
    return difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{before}/{file}", f"{after}/{file}", lineterm=""
    )
