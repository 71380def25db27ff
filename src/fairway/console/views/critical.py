"""The critical path of a trace: at every moment the one span that the answer was waiting for.

`waterfall` marks it. Walking back from a span's end, it waited for the child that finished last,
before that for the child that finished last before that one began, and so on; in between it worked
itself (the algorithm of Jaeger's trace view and of Google's Dapper papers). What is consumed from
a queue is waited for by nobody. Guarantees: the pieces cover the root from start to end without gap
or overlap, so their lengths add up to its duration. Pure, without recursion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fairway.console.views.spantree import Node

Piece = tuple[float, float]
"""From and until, Unix seconds (corrected)."""


def critical_path(root: Node) -> Mapping[int, tuple[Piece, ...]]:
    """The pieces in which each node is critical, by `id(node)`; the oldest first."""
    pieces: dict[int, list[Piece]] = defaultdict(list)
    waiting = [(root, root.start, root.end)]
    while waiting:
        node, start, end = waiting.pop()
        for child, began, ended in _waited_for(node, start, end):
            _add(pieces[id(node)], ended, end)
            waiting.append((child, began, ended))
            end = began
        _add(pieces[id(node)], start, end)
    return {node: tuple(reversed(found)) for node, found in pieces.items() if found}


def _waited_for(node: Node, start: float, end: float) -> list[tuple[Node, float, float]]:
    """The children that held a node up between `start` and `end`, the last one first."""
    within = [
        (child, max(child.start, start), min(child.end, end))
        for child in node.children
        if child.span.kind != "consumer"
    ]
    within.sort(key=lambda found: (found[2], found[1]), reverse=True)
    chosen = []
    for child, began, ended in within:
        if began < ended <= end:
            chosen.append((child, began, ended))
            end = began
    return chosen


def _add(pieces: list[Piece], start: float, end: float) -> None:
    if start < end:
        pieces.append((start, end))
