"""In which order services start: whoever is called comes first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def waits_for(calls: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """For each service those whose health it waits for: the services it calls, without cycles.

    A cycle loses the call that closes it when services are visited in alphabetical order, so the
    same app always starts in the same order. Calls to services not in `calls` are ignored.
    """
    kept: dict[str, set[str]] = {name: set() for name in sorted(calls)}
    done: set[str] = set()
    for root in kept:
        if root not in done:
            _visit(root, calls, kept, done)
    return {name: frozenset(callees) for name, callees in kept.items()}


def _visit(
    root: str, calls: Mapping[str, Collection[str]], kept: dict[str, set[str]], done: set[str]
) -> None:
    """Depth-first, with a stack of our own: a chain of 5,000 services is no reason to fail."""
    path = [(root, iter(sorted(calls[root])))]
    on_path = {root}
    while path:
        name, callees = path[-1]
        callee = next(callees, None)
        if callee is None:
            path.pop()
            on_path.discard(name)
            done.add(name)
        elif callee in kept and callee not in on_path:
            kept[name].add(callee)
            if callee not in done:
                path.append((callee, iter(sorted(calls[callee]))))
                on_path.add(callee)


def in_order(waiting: Mapping[str, frozenset[str]]) -> list[str]:
    """All services, each behind those that it waits for; `waiting` has no cycles."""
    ordered: dict[str, None] = {}
    while len(ordered) < len(waiting):
        ready = [
            name for name in waiting if name not in ordered and waiting[name] <= ordered.keys()
        ]
        ordered |= dict.fromkeys(ready)
    return list(ordered)
