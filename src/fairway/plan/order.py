"""Callees before their callers, also where calls go in a circle. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def callees_first(calls: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Every key of `calls`, each after those that it calls; equal input gives equal order.

    In a circle the call that closes it, visited alphabetically, is the one that is left out. Calls
    to names that are no key are ignored.
    """
    done: dict[str, None] = {}
    entered: set[str] = set()
    for root in sorted(calls):
        _visit(root, calls, entered, done)
    return tuple(done)


def _visit(
    root: str, calls: Mapping[str, Collection[str]], entered: set[str], done: dict[str, None]
) -> None:
    """Depth-first, with a stack of our own: a chain of 5,000 services is no reason to fail."""
    waiting = [(root, False)]
    while waiting:
        name, finished = waiting.pop()
        if finished:
            done[name] = None
        elif name not in entered:
            entered.add(name)
            waiting.append((name, True))
            waiting += [
                (callee, False)
                for callee in sorted(calls[name], reverse=True)
                if callee in calls and callee not in entered
            ]


def reachable(start: Collection[str], edges: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Everything that can be reached from `start`, which is part of it only by way of an edge."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return frozenset(found)
