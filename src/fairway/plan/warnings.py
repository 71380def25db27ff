"""What a deployment cannot see to by itself, said before it begins. Pure; called by the planner."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from fairway.model.environments import Environment
from fairway.plan.observed import WORKING_TREE
from fairway.plan.order import reachable
from fairway.plan.plan import Move
from fairway.plan.release import Release, ReleaseContent

_MOST_NAMED = 5


def warnings(
    content: ReleaseContent,
    base: Release | None,
    declared: Environment,
    moves: tuple[Move, ...],
) -> Iterator[str]:
    """Everything to know about a deployment with these moves."""
    yield from _working_tree(moves)
    replaced = {m.service for m in moves if m.before and m.after and m.before != m.after}
    if replaced:
        yield from _in_between(content, replaced)
        yield from _unmeasured(content, declared)
        yield from _kinds(content, declared, replaced)
    if base is not None:
        yield from _schemas(base.content, content)


def _working_tree(moves: tuple[Move, ...]) -> Iterator[str]:
    names = [move.service for move in moves if move.before == WORKING_TREE]
    if names:
        yield (
            f"{_named(names)} {_verb(names, 'runs', 'run')} from the working tree: from now on "
            "edits take effect by the next deployment, and going back starts what the files then "
            "hold"
        )


def _in_between(content: ReleaseContent, replaced: Collection[str]) -> Iterator[str]:
    """Unchanged services on a way between two that must stay together, or from the gateway."""
    calls = {name: _callees(content, name) for name in content.services}
    callers: dict[str, list[str]] = {name: [] for name in calls}
    for name, callees in calls.items():
        for callee in callees:
            callers.setdefault(callee, []).append(name)
    public = [name for name, s in content.services.items() if s.declared.get("public")]
    ahead = reachable([*replaced, *public], calls) | set(public)
    between = (ahead & reachable(replaced, callers)) - set(replaced)
    if between:
        names = sorted(between)
        yield (
            f"{_named(names)} {_verb(names, 'is', 'are')} not changed and in between: only if "
            f"{_verb(names, 'it passes', 'they pass')} on the 'baggage' header does a request of "
            "the new versions stay with them"
        )


def _callees(content: ReleaseContent, name: str) -> Mapping[str, object]:
    calls: Mapping[str, object] = content.services[name].declared.get("calls", {})
    return calls


def _unmeasured(content: ReleaseContent, declared: Environment) -> Iterator[str]:
    if declared.strategy.canary is None:
        return
    public = any(service.declared.get("public") for service in content.services.values())
    clients = any(client.get("calls") for client in content.app.get("clients", {}).values())
    if not public and not clients:
        yield (
            "nothing is public and no client is declared: unless services send requests by "
            "themselves, there is no traffic to analyse"
        )


def _kinds(
    content: ReleaseContent, declared: Environment, replaced: Collection[str]
) -> Iterator[str]:
    by_kind: dict[str, list[str]] = {}
    for name in sorted(replaced):
        by_kind.setdefault(content.services[name].declared["kind"], []).append(name)
    canary = declared.strategy.canary
    if (static := by_kind.get("static")) and canary and canary.sticky == "none":
        yield (
            f"{_named(static)} {_verb(static, 'is', 'are')} static: without 'sticky', a page and "
            "what it loads may come from different versions"
        )
    if idle := [*by_kind.get("worker", ()), *by_kind.get("job", ())]:
        yield (
            f"{_named(idle)} {_verb(idle, 'takes', 'take')} no requests that could be divided: "
            "both versions work side by side until the old one is stopped"
        )


def _schemas(before: ReleaseContent, after: ReleaseContent) -> Iterator[str]:
    for store, (oldest, version) in sorted(after.schema.items()):
        running = before.schema.get(store, (0, 0))[1]
        if running < oldest:
            yield (
                f"the migration of '{store}' to schema {version} takes away what running versions "
                f"need, which were made for schema {running}: deploy a release that works with "
                "both first"
            )


def _named(names: Collection[str]) -> str:
    """`a`, `a and b`, `a, b and 12 more`."""
    shown = list(names)[:_MOST_NAMED]
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _verb(names: Collection[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several
