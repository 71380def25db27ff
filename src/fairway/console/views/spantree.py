"""The spans of a trace as a tree that can be drawn, whatever arrived.

`waterfall` and `comparing` build on it. Spans come from anyone: a parent may be missing (its span
was never sent, or has not come yet), parents may form a circle, an id may be used twice, and clocks
may disagree. Guarantees: every span is in the tree exactly once, parents before children and
siblings by start; no child starts before its parent (it and everything below it is moved, and
`skew` says by how much). Pure; linear but for sorting, without recursion, so depth does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fairway.telemetry.port import Span

_MOST_PLACED = 200
"""Spans that are looked for a place for; a trace with more is damaged, and each costs a search."""


@dataclass(slots=True)
class Node:
    """A span with its place. `start` is corrected by `skew` seconds; `orphan`: its parent is not
    there; `placed`: nor is it, but it stands below the span that it belongs to by service and time;
    `looped`: its parents form a circle, which was opened here.
    """

    span: Span
    depth: int = 0
    start: float = 0.0
    skew: float = 0.0
    orphan: bool = False
    placed: bool = False
    looped: bool = False
    children: list[Node] = field(default_factory=list)

    @property
    def end(self) -> float:
        """When it ended, corrected."""
        return self.start + self.span.duration


def tree(spans: Sequence[Span]) -> list[Node]:
    """The roots, by start. Whoever has no (known) parent is one."""
    nodes = [Node(span, start=span.started_at) for span in spans]
    first: dict[str, Node] = {}
    for node in nodes:
        first.setdefault(node.span.span_id, node)
    below: dict[int, list[Node]] = defaultdict(list)
    roots = []
    for node in nodes:
        parent = first.get(node.span.parent_id) if node.span.parent_id else None
        if parent is None or parent is node:
            node.orphan = bool(node.span.parent_id) and parent is None
            roots.append(node)
        else:
            below[id(parent)].append(node)
    roots = _placed(nodes, roots, below)
    reached: set[int] = set()
    _settle(roots, below, reached)
    for node in sorted(nodes, key=lambda node: node.start):
        if id(node) not in reached:  # in a circle, or under one: the earliest opens it
            node.looped = True
            roots.append(node)
            _settle([node], below, reached)
    return sorted(roots, key=lambda node: node.start)


def in_order(roots: Sequence[Node]) -> Iterator[Node]:
    """Every node: parents before their children, siblings in their order."""
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _placed(
    nodes: Sequence[Node], roots: Sequence[Node], below: dict[int, list[Node]]
) -> list[Node]:
    """The roots that are left when those without their parent stand where they most likely belong.

    A program that passes a trace on without sending spans leaves a hole between the Envoy that
    brought it a request and the one that takes its own: what that one sends belongs to the shortest
    span of the same service that it lies within.
    """
    if sum(node.orphan for node in roots) > _MOST_PLACED:
        return list(roots)
    parents = {id(child): node for node in nodes for child in below[id(node)]}
    left = []
    for node in sorted(roots, key=lambda node: node.start):
        around = [other for other in nodes if node.orphan and _around(other, node)]
        fitting = sorted(around, key=lambda other: (other.span.duration, other.start))
        found = next((other for other in fitting if not _below(other, node, parents)), None)
        if found is None:
            left.append(node)
        else:
            node.placed = True
            parents[id(node)] = found
            below[id(found)].append(node)
    return left


def _around(other: Node, node: Node) -> bool:
    """Whether a request that `other` tells of may have made `node`."""
    return (
        other is not node
        and other.span.service == node.span.service
        and other.span.kind == "server"
        and other.start <= node.start
        and node.end <= other.end
    )


def _below(node: Node, ancestor: Node, parents: Mapping[int, Node]) -> bool:
    """Whether `ancestor` is among the parents of a node (or those form a circle)."""
    seen: set[int] = set()
    at: Node | None = node
    while at is not None:
        if at is ancestor or id(at) in seen:
            return True
        seen.add(id(at))
        at = parents.get(id(at))
    return False


def _settle(roots: Sequence[Node], below: dict[int, list[Node]], reached: set[int]) -> None:
    """Give everything under `roots` its depth and its corrected start, and note it as reached."""
    reached.update(id(root) for root in roots)
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        for child in below[id(node)]:
            if id(child) in reached:
                continue
            reached.add(id(child))
            child.depth = node.depth + 1
            child.skew = _skew(node, child)
            child.start = child.span.started_at + child.skew
            node.children.append(child)
            waiting.append(child)
        node.children.sort(key=lambda child: child.start)


def _skew(parent: Node, child: Node) -> float:
    """How far a child has to be moved: as far as its parent, if one process has sent both.

    An effect does not come before its cause, so a child that seems to start before its parent is
    centred within it (the network took the same time both ways, as Jaeger and NTP assume too), or
    begins with it when it took longer. A child that ends later is left alone: that may be so.
    """
    inherited = parent.skew if _clock(parent.span) == _clock(child.span) else 0.0
    if child.span.started_at + inherited >= parent.start:
        return inherited
    slack = max(0.0, parent.span.duration - child.span.duration)
    return parent.start + slack / 2 - child.span.started_at


def _clock(span: Span) -> tuple[str, str, bool]:
    return span.service, span.instance, span.sidecar
