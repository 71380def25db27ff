"""What changes around the services: routes, intents, stores, flags, policies, settings. Pure.

Used by the planner and by the difference of two releases. None of it replaces a replica by itself;
what takes something away from someone who may be using it is marked as destructive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.plan.compare import ABSENT, brief, differing, in_words
from fairway.plan.plan import Change
from fairway.plan.release import Json, ReleaseContent

_OF_THE_ENVIRONMENT = (
    "target", "regions", "gateway", "telemetry", "notify", "server", "retention",
)  # fmt: skip
"""Its keys that are in force between deployments; the others say how the next one goes."""
_OF_THE_APP = ("flags", "slos", "topics", "clients", "stores")
_TAKEN_AWAY = {
    "clients": "a client that is not declared any more is let in nowhere",
    "stores": "nothing of this release uses it; its data is not deleted",
    "topics": "nothing of this release uses it; its events are not deleted",
}
_OWN_WORDS = {"stores": ("schema",)}


def changes_around(
    before: ReleaseContent | None, after: ReleaseContent, environment: str
) -> Iterator[Change]:
    """Everything but services and policies; nothing without a release before."""
    if before is None:
        return
    yield from _routes(before, after)
    yield from _intents(before, after)
    for key in _OF_THE_APP:
        yield from _declared(key, before.app.get(key, {}), after.app.get(key, {}))
    yield from _schemas(before, after)
    yield from _environment(before, after, environment)


def policy_change(
    before: tuple[int, str] | None, after: tuple[int, str], *, found: int | None = None
) -> Iterator[Change]:
    """From one (policy set, digest of its text) to another; `found` is the set in force."""
    old_set, old_text = before or (0, "")
    new_set, new_text = after
    in_force = old_set if found is None else found
    reasons = []
    if before is None:
        reasons.append("first deployment")
    elif old_text != new_text:
        reasons.append("the text of the policies changed")
    if before is not None and in_force != old_set:
        reasons.append(f"policy set {in_force} was activated since the last deployment")
    if in_force != new_set or (before is not None and old_text != new_text):
        was = f"policy set {in_force}" if in_force else ""
        reasons = reasons or [f"policy set {new_set} is to decide"]
        yield Change("policies", "policies", was, f"policy set {new_set}", tuple(reasons))


Routes = dict[tuple[str, str], tuple[str, str | None]]


def _routes(before: ReleaseContent, after: ReleaseContent) -> Iterator[Change]:
    old, new = _public(before), _public(after)
    for route in sorted(old.keys() | new.keys()):
        was, now = old.get(route), new.get(route)
        if was == now:
            continue
        subject = f"public {''.join(route)}"
        if now is None:
            reason = "whoever uses it gets 404"
            yield Change("routes", subject, _leads(was), "", (reason,), destructive=True)
        else:
            yield Change("routes", subject, _leads(was), _leads(now), _why_shifted(was, now))


def _why_shifted(
    was: tuple[str, str | None] | None, now: tuple[str, str | None]
) -> tuple[str, ...]:
    if was is None:
        return ("a new public route",)
    if was[1] and not now[1]:
        return ("it is shifted from the old system to the service",)
    if now[1] and not was[1]:
        return ("it is given back to the old system",)
    return ("it leads elsewhere",)


def _leads(route: tuple[str, str | None] | None) -> str:
    return "" if route is None else route[1] or route[0]


def _public(content: ReleaseContent) -> Routes:
    return {
        (route.get("host") or "", route["path"]): (name, route.get("legacy"))
        for name, service in content.services.items()
        for route in service.declared.get("public", ())
    }


def _intents(before: ReleaseContent, after: ReleaseContent) -> Iterator[Change]:
    """Intents that go away, of services that stay: the others are gone with their service."""
    users: dict[tuple[str, str], list[str]] | None = None
    for name, service in before.services.items():
        still = after.services.get(name)
        if still is None:
            continue
        for intent in service.declared.get("intents", {}):
            if intent in still.declared.get("intents", {}):
                continue
            users = _users(before.app) if users is None else users
            used_by = users.get((name, intent), [])
            reason = f"used by {', '.join(used_by)}" if used_by else "nobody declared to use it"
            yield Change(
                "routes", f"intent {name}.{intent}", "offered", "", (reason,), bool(used_by)
            )


def _users(app: Json) -> dict[tuple[str, str], list[str]]:
    users: dict[tuple[str, str], list[str]] = {}
    for key in ("services", "clients"):
        for caller, declared in app.get(key, {}).items():
            for callee, call in declared.get("calls", {}).items():
                for intent in call["intents"]:
                    users.setdefault((callee, intent), []).append(caller)
    return users


def _declared(key: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        left_out = _OWN_WORDS.get(key, ())
        subject = f"{key}.{name}"
        if new is None:
            reason = _TAKEN_AWAY.get(key, "no longer declared")
            destructive = key in _TAKEN_AWAY
            yield Change("configuration", subject, "declared", "", (reason,), destructive)
        elif old is None:
            yield Change("configuration", subject, "", "declared", ("new",))
        else:
            found = differing(_without(old, left_out), _without(new, left_out))
            reasons = tuple(in_words(each) for each in found)
            if reasons:
                yield Change("configuration", subject, "declared", "changed", reasons)


def _without(declared: Json, keys: tuple[str, ...]) -> Json:
    return {key: value for key, value in declared.items() if key not in keys}


def _schemas(before: ReleaseContent, after: ReleaseContent) -> Iterator[Change]:
    for store in sorted(after.schema):
        was, now = before.schema.get(store, (0, 0)), after.schema[store]
        if was == now:
            continue
        yield Change(
            "configuration", f"stores.{store}.schema", brief(was[1] or None), brief(now[1]),
            (_schema_reason(was, now),), destructive=now[0] > was[0],
        )  # fmt: skip


def _schema_reason(was: tuple[int, int], now: tuple[int, int]) -> str:
    if now[0] > was[0]:
        return f"a contract step: no release made for a schema older than {now[0]} can come back"
    if now[1] < was[1]:
        return f"made for schema {now[1]}; the database keeps the schema that it has"
    return "an expand step: releases before it still work"


def _environment(
    before: ReleaseContent, after: ReleaseContent, environment: str
) -> Iterator[Change]:
    old = before.app.get("environments", {}).get(environment, {})
    new = after.app["environments"][environment]
    for key in _OF_THE_ENVIRONMENT:
        for found in differing(old.get(key, ABSENT), new.get(key, ABSENT), key):
            yield Change(
                "configuration", f"{environment}.{found.path}", "declared", "changed",
                (in_words(found),), destructive=key == "target",
            )  # fmt: skip
