"""Two traces side by side: what one did and the other did not, and what took longer.

The trace page shows it. Spans are matched by their place: the path of services and names from the
root, and among those with the same path by their order. Both are drawn on the longer one's scale.
Guarantees: every span of both is in exactly one row; rows follow the first trace, what only the
second has stands where it happened below the same parent. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fairway.console.views.spantree import Node, in_order, tree
from fairway.console.views.waterfall import Bar, Scale, Tick, service_colours, ticks
from fairway.telemetry.port import Span

Change = Literal["same", "slower", "faster", "added", "removed"]
_NOTABLE_SECONDS = 0.001
_NOTABLE_PART = 0.1


@dataclass(frozen=True, slots=True)
class Pair:
    """A place in the traces: the spans of both, if they are there, and how they differ.

    `difference` is by how many seconds the second one took longer; None if one is missing.
    """

    before: Span | None
    after: Span | None
    depth: int
    colour: str
    before_bar: Bar | None
    after_bar: Bar | None
    difference: float | None
    change: Change

    @property
    def span(self) -> Span:
        """The one that is there, of both the first."""
        span = self.before or self.after
        assert span is not None
        return span


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole: rows, the longer duration that both are drawn on, and how many differ."""

    pairs: tuple[Pair, ...]
    duration: float
    ticks: tuple[Tick, ...]
    counts: Mapping[Change, int]


def compare(before: Sequence[Span], after: Sequence[Span]) -> Comparison:
    """The comparison of two traces."""
    old, new = tree(before), tree(after)
    length = max(_length(old), _length(new))
    drawing = _Drawing(
        Scale(_start(old), length),
        Scale(_start(new), length),
        service_colours({span.service for span in (*before, *after)}),
    )
    pairs = tuple(_pairs(old, new, drawing))
    counts: dict[Change, int] = defaultdict(int)
    for pair in pairs:
        counts[pair.change] += 1
    return Comparison(pairs, length, ticks(length), dict(counts))


@dataclass(frozen=True, slots=True)
class _Drawing:
    before: Scale
    after: Scale
    colours: Mapping[str, str]

    def pair(self, old: Node | None, new: Node | None, depth: int) -> Pair:
        node = old or new
        assert node is not None
        difference = new.span.duration - old.span.duration if old and new else None
        return Pair(
            before=old.span if old else None,
            after=new.span if new else None,
            depth=depth,
            colour=self.colours[node.span.service],
            before_bar=self.before.bar(old.start, old.end) if old else None,
            after_bar=self.after.bar(new.start, new.end) if new else None,
            difference=difference,
            change=_change(old, new),
        )


def _pairs(old: Sequence[Node], new: Sequence[Node], drawing: _Drawing) -> list[Pair]:
    found = []
    waiting = [(*match, 0) for match in reversed(_matched(old, new))]
    while waiting:
        before, after, depth = waiting.pop()
        found.append(drawing.pair(before, after, depth))
        below = _matched(before.children if before else (), after.children if after else ())
        waiting.extend((*match, depth + 1) for match in reversed(below))
    return found


def _matched(old: Sequence[Node], new: Sequence[Node]) -> list[tuple[Node | None, Node | None]]:
    """Siblings of both, paired by service, kind and name in their order; then who is only new.

    What is only new stands behind the sibling of the second trace that came before it.
    """
    partners: dict[tuple[str, str, str, bool], list[Node]] = defaultdict(list)
    for node in reversed(new):
        partners[_place(node)].append(node)
    partner_of = {
        id(node): partners[_place(node)].pop() if partners[_place(node)] else None for node in old
    }
    taken = {id(partner) for partner in partner_of.values() if partner}
    alone = [node for node in new if id(node) not in taken]
    found: list[tuple[Node | None, Node | None]] = []
    order = {id(node): index for index, node in enumerate(new)}
    for node in old:
        partner = partner_of[id(node)]
        while partner and alone and order[id(alone[0])] < order[id(partner)]:
            found.append((None, alone.pop(0)))
        found.append((node, partner))
    return found + [(None, node) for node in alone]


def _place(node: Node) -> tuple[str, str, str, bool]:
    return node.span.service, node.span.kind, node.span.name, node.span.sidecar


def _change(old: Node | None, new: Node | None) -> Change:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    difference = new.span.duration - old.span.duration
    shortest = min(old.span.duration, new.span.duration)
    if abs(difference) < max(_NOTABLE_SECONDS, shortest * _NOTABLE_PART):
        return "same"
    return "slower" if difference > 0 else "faster"


def _start(roots: Sequence[Node]) -> float:
    return min((root.start for root in roots), default=0.0)


def _length(roots: Sequence[Node]) -> float:
    return max((node.end for node in in_order(roots)), default=0.0) - _start(roots)
