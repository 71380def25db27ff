"""A trace as rows that can be drawn: who did what when, and what the answer was waiting for.

The trace page shows it. Offsets and widths are shares of the whole (0 to 1), so that the drawing
needs no time; colours are classes, the same for a service on every page. Pure; five thousand spans
take a few dozen milliseconds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from fairway.console.views.badges import Badge, badges
from fairway.console.views.critical import Piece, critical_path
from fairway.console.views.spantree import Node, in_order, tree
from fairway.telemetry.port import Span

COLOURS = 12
"""How many colours the style sheet has for services: `series-0` and so on."""
_TICKS = 5
_NOTABLE_SKEW = 0.0005


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the time axis, as shares of the whole."""

    offset: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """A span with its place in the drawing.

    `critical` are the stretches in which everything waited for this span itself. `own` is how many
    seconds of its duration no child was at work. `skew` is by how many seconds its clock was wrong.
    """

    span: Span
    depth: int
    bar: Bar
    colour: str
    critical: tuple[Bar, ...]
    badges: tuple[Badge, ...]
    own: float
    children: int
    skew: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether this is a row to look at first."""
        return any(badge.kind in ("error", "deny", "breaker") for badge in self.badges)


@dataclass(frozen=True, slots=True)
class Share:
    """How long the answer waited for a service: seconds of the critical path, and their part."""

    service: str
    colour: str
    seconds: float
    part: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis: where, and how many seconds after the beginning."""

    offset: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The whole drawing. `duration` is from the first start to the last end, in seconds."""

    rows: tuple[Row, ...]
    started_at: float
    duration: float
    shares: tuple[Share, ...]
    ticks: tuple[Tick, ...]


def waterfall(spans: Sequence[Span]) -> Waterfall:
    """The drawing of a trace; of nothing, it is empty."""
    roots = tree(spans)
    nodes = list(in_order(roots))
    if not nodes:
        return Waterfall((), 0.0, 0.0, (), ())
    start = min(node.start for node in nodes)
    length = max(node.end for node in nodes) - start
    scale = Scale(start, length)
    colours = service_colours({node.span.service for node in nodes})
    pieces = critical_path(max(roots, key=lambda node: node.span.duration))
    rows = tuple(_row(node, scale, colours, pieces.get(id(node), ())) for node in nodes)
    return Waterfall(rows, start, length, _shares(nodes, pieces, colours), ticks(length))


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns times into shares of the drawing."""

    start: float
    length: float

    def bar(self, start: float, end: float) -> Bar:
        """The stretch between two times, within the drawing."""
        if self.length <= 0:
            return Bar(0.0, 1.0)
        offset = _clipped((start - self.start) / self.length)
        return Bar(offset, _clipped((end - self.start) / self.length) - offset)


def service_colours(services: Collection[str]) -> Mapping[str, str]:
    """A class per service: by its name, so that it keeps it, but another where that is taken.

    The first half of the colours differ the most, so a few services share those out.
    """
    count = COLOURS if len(services) > COLOURS // 2 else COLOURS // 2
    taken: set[int] = set()
    found: dict[str, str] = {}
    for service in sorted(services):
        first = crc32(service.encode()) % count
        free = ((first + step) % count for step in range(count))
        colour = next((each for each in free if each not in taken), first)
        taken.add(colour)
        found[service] = f"series-{colour}"
    return found


def ticks(length: float, about: int = _TICKS) -> tuple[Tick, ...]:
    """Round marks (1, 2 or 5 times a power of ten seconds) for an axis of so many seconds."""
    if not (length > 0 and math.isfinite(length)):
        return ()
    rough = length / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return tuple(
        Tick(index * step / length, index * step) for index in range(int(length / step + 1e-9) + 1)
    )


def _row(node: Node, scale: Scale, colours: Mapping[str, str], pieces: Sequence[Piece]) -> Row:
    return Row(
        span=node.span,
        depth=node.depth,
        bar=scale.bar(node.start, node.end),
        colour=colours[node.span.service],
        critical=tuple(scale.bar(*piece) for piece in pieces),
        badges=badges(node.span) + _place_badges(node),
        own=_own(node),
        children=len(node.children),
        skew=node.skew,
    )


def _place_badges(node: Node) -> tuple[Badge, ...]:
    """What is wrong with its place in the tree."""
    found = []
    if node.looped:
        found.append(Badge("orphan", "circle", "its parents lead back to itself"))
    elif node.placed:
        words = "the span that began it is not stored; it stands where service and time fit"
        found.append(Badge("orphan", "placed by time", words))
    elif node.orphan:
        found.append(Badge("orphan", "no parent", "the span that began it is not stored (yet)"))
    if abs(node.skew) >= _NOTABLE_SKEW:
        found.append(
            Badge("skew", "clock", f"its clock seems wrong: moved by {node.skew * 1000:.1f} ms")
        )
    return tuple(found)


def _own(node: Node) -> float:
    """Seconds of a span in which none of its children was at work."""
    covered, reached = 0.0, node.start
    for child in node.children:
        start, end = max(child.start, reached), min(child.end, node.end)
        if end > start:
            covered += end - start
            reached = end
    return max(0.0, node.span.duration - covered)


def _shares(
    nodes: Sequence[Node], pieces: Mapping[int, Sequence[Piece]], colours: Mapping[str, str]
) -> tuple[Share, ...]:
    """Whom the answer waited for, the longest first; services that nobody waited for come last."""
    seconds: dict[str, float] = defaultdict(float)
    for node in nodes:
        seconds[node.span.service] += sum(end - start for start, end in pieces.get(id(node), ()))
    total = sum(seconds.values())
    found = [
        Share(service, colours[service], waited, waited / total if total else 0.0)
        for service, waited in seconds.items()
    ]
    return tuple(sorted(found, key=lambda share: (-share.seconds, share.service)))


def _clipped(share: float) -> float:
    return min(1.0, max(0.0, share))
