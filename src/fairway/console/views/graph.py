"""Where the nodes of a topology stand, and how the lines between them run. Pure, deterministic.

`topology` asks it for every orientation that the overview draws. A layered layout after
Sugiyama: callers before callees, lines that skip a layer get room of their own in it, and each
layer is ordered by the middle of its neighbours. Guarantees: boxes never overlap, nor do labels;
the same input gives the same drawing, whatever its order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

Edge = tuple[str, str]
Slot = tuple[str, str, int]
"""A place in a layer: of a node (name, "", 0), or of a line that passes (source, target, layer)."""
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Sizes:
    """Measures in pixels. `across`: layers from left to right, else from top to bottom.

    `gap` is between layers (labels stand there), `space` between neighbours in a layer.
    """

    across: bool = True
    width: float = 156
    height: float = 62
    gap: float = 140
    space: float = 30
    label_width: float = 112
    label_height: float = 48
    margin: float = 10


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node stands, from its upper left corner."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """How an edge runs: an SVG path, and the middle of its label."""

    source: str
    target: str
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything, within `width` and `height`."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Chain:
    """An edge as slots, from the layer of one end to that of the other; `back`: against it."""

    edge: Edge
    slots: tuple[Slot, ...]
    back: bool


@dataclass(slots=True)
class _Plane:
    """Slots in layers with their middles, along a layer; a box in it takes `extent`."""

    layers: list[list[Slot]]
    near: Mapping[Slot, list[Slot]]
    extent: float
    space: float
    middle: dict[Slot, float] = field(default_factory=dict)

    def size(self, slot: Slot) -> float:
        """A passing line needs less room than a box."""
        return self.extent if not slot[1] else self.extent / 3


def draw(nodes: Iterable[str], edges: Iterable[Edge], sizes: Sizes | None = None) -> Drawing:
    """Lay nodes out by their edges; edges between unknown nodes or of one with itself are left."""
    sizes = sizes or Sizes()
    names = sorted(set(nodes))
    known = sorted({(a, b) for a, b in edges if a != b and {a, b} <= set(names)})
    if not names:
        return Drawing(2 * sizes.margin, 2 * sizes.margin, (), ())
    back = _against(names, known)
    rank = _ranks(names, [(b, a) if (a, b) in back else (a, b) for a, b in known])
    chains = [_chain(edge, rank, back=edge in back) for edge in known]
    plane = _plane(names, rank, chains, sizes)
    _order(plane)
    _place(plane)
    return _drawing(plane, chains, sizes)


def _against(names: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """Edges that close a cycle: they are laid out the other way round."""
    followers = defaultdict(list)
    for source, target in edges:
        followers[source].append(target)
    entered = {target for _, target in edges}
    state: dict[str, bool] = {}  # True while being visited
    found: set[Edge] = set()
    for root in sorted(names, key=lambda name: (name in entered, name)):
        if root in state:
            continue
        state[root] = True
        stack = [(root, iter(followers[root]))]
        while stack:
            name, rest = stack[-1]
            follower = next(rest, None)
            if follower is None:
                state[name] = False
                stack.pop()
            elif follower not in state:
                state[follower] = True
                stack.append((follower, iter(followers[follower])))
            elif state[follower]:
                found.add((name, follower))
    return found


def _ranks(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The layer of each node: behind all that lead to it; whoever only leads stands close by."""
    before, behind = defaultdict(list), defaultdict(list)
    for source, target in edges:
        before[target].append(source)
        behind[source].append(target)
    rank: dict[str, int] = {}
    waiting = {name: len(before[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    while ready:
        name = ready.pop()
        rank[name] = max((rank[one] + 1 for one in before[name]), default=0)
        for follower in behind[name]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    for name in names:
        if not before[name] and behind[name]:
            rank[name] = min(rank[one] for one in behind[name]) - 1
    return rank


def _chain(edge: Edge, rank: Mapping[str, int], *, back: bool) -> _Chain:
    first, last = (edge[1], edge[0]) if back else edge
    between = range(rank[first] + 1, rank[last])
    passing = tuple((edge[0], edge[1], layer) for layer in between)
    return _Chain(edge, ((first, "", 0), *passing, (last, "", 0)), back)


def _plane(
    names: Sequence[str], rank: Mapping[str, int], chains: Sequence[_Chain], sizes: Sizes
) -> _Plane:
    layers: list[list[Slot]] = [[] for _ in range(max(rank.values()) + 1)]
    for name in names:
        layers[rank[name]].append((name, "", 0))
    near = defaultdict(list)
    for chain in chains:
        for slot in chain.slots[1:-1]:
            layers[slot[2]].append(slot)
        for one, other in pairwise(chain.slots):
            near[one].append(other)
            near[other].append(one)
    extent = sizes.height if sizes.across else sizes.width
    return _Plane([sorted(layer) for layer in layers], near, extent, sizes.space)


def _order(plane: _Plane) -> None:
    """Order each layer by the middle of its neighbours in the layer before, then behind.

    Whoever has none at all stands last.
    """
    place = {slot: index for layer in plane.layers for index, slot in enumerate(layer)}
    level = {slot: index for index, layer in enumerate(plane.layers) for slot in layer}
    for sweep in range(_SWEEPS):
        step = -1 if sweep % 2 == 0 else 1
        for index in range(len(plane.layers))[::-step]:
            wanted = {}
            for slot in plane.layers[index]:
                near = [place[one] for one in plane.near[slot] if level[one] == index + step]
                wanted[slot] = sum(near) / len(near) if near else float(place[slot])
            plane.layers[index].sort(
                key=lambda slot: (not plane.near.get(slot), wanted[slot], place[slot])
            )
            place |= {slot: at for at, slot in enumerate(plane.layers[index])}


def _place(plane: _Plane) -> None:
    """Bring each slot close to the middle of its neighbours, without touching the next one."""
    for layer in plane.layers:
        sizes = [plane.size(slot) for slot in layer]
        at = -(sum(sizes) + plane.space * (len(layer) - 1)) / 2
        for slot, size in zip(layer, sizes, strict=True):
            plane.middle[slot] = at + size / 2
            at += size + plane.space
    for sweep in range(_SWEEPS):
        for layer in plane.layers if sweep % 2 == 0 else reversed(plane.layers):
            wanted = [_mean([plane.middle[one] for one in plane.near[slot]]) for slot in layer]
            known = [
                plane.middle[slot] if found is None else found
                for slot, found in zip(layer, wanted, strict=True)
            ]
            extents = [plane.size(slot) + plane.space for slot in layer]
            plane.middle |= dict(zip(layer, spread(known, extents), strict=True))


def spread(wanted: Sequence[float], extents: Sequence[float]) -> list[float]:
    """Middles close to `wanted`, in that order, so that intervals of `extents` do not overlap.

    Neighbours that would touch move together (pool adjacent violators), so that the sum of the
    squared ways is least.
    """
    starts = [0.0]
    for one, other in pairwise(extents):
        starts.append(starts[-1] + (one + other) / 2)
    pools: list[tuple[float, int]] = []  # mean of (wanted - start), how many
    for want, start in zip(wanted, starts, strict=True):
        mean, count = want - start, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    return [mean + start for mean, start in zip(means, starts, strict=True)]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _drawing(plane: _Plane, chains: Sequence[_Chain], sizes: Sizes) -> Drawing:
    depth = sizes.width if sizes.across else sizes.height
    ends = [
        edge
        for layer in plane.layers
        for slot in layer
        for edge in (
            plane.middle[slot] - plane.size(slot) / 2,
            plane.middle[slot] + plane.size(slot) / 2,
        )
    ]
    runs = _labelled(plane, chains, sizes, depth)
    half = (sizes.label_height if sizes.across else sizes.label_width) / 2
    ends += [edge for run in runs for edge in (run.label[1] - half, run.label[1] + half)]
    shift = sizes.margin - min(ends)
    boxes = tuple(
        _box(slot[0], sizes.margin + layer * (depth + sizes.gap), plane.middle[slot] + shift, sizes)
        for layer, slots in enumerate(plane.layers)
        for slot in slots
        if not slot[1]
    )
    lines = tuple(_line(run, shift, sizes) for run in runs)
    along = len(plane.layers) * (depth + sizes.gap) - sizes.gap + 2 * sizes.margin
    beside = max(ends) + shift + sizes.margin
    width, height = (along, beside) if sizes.across else (beside, along)
    return Drawing(width, height, tuple(sorted(boxes, key=lambda box: box.name)), lines)


@dataclass(frozen=True, slots=True)
class _Run:
    """A line as points (along, beside) of which each pair is a bow or, within a layer, straight."""

    chain: _Chain
    points: tuple[tuple[float, float], ...]
    label: tuple[float, float]


def _labelled(plane: _Plane, chains: Sequence[_Chain], sizes: Sizes, depth: float) -> list[_Run]:
    """The lines, with labels in the gap before their last layer that keep off each other."""
    ports = _ports(plane, chains)
    level = {slot: index for index, layer in enumerate(plane.layers) for slot in layer}
    runs = []
    for chain in chains:
        points: list[tuple[float, float]] = []
        for one, other in pairwise(chain.slots):
            start = sizes.margin + level[one] * (depth + sizes.gap) + depth
            points += [(start, ports[one, other, 1]), (start + sizes.gap, ports[other, one, -1])]
        middle = (points[-2][0] + points[-1][0]) / 2, (points[-2][1] + points[-1][1]) / 2
        runs.append(_Run(chain, tuple(points), middle))
    return _apart(runs, sizes)


def _apart(runs: Sequence[_Run], sizes: Sizes) -> list[_Run]:
    gaps = defaultdict(list)
    for run in runs:
        gaps[run.label[0]].append(run)
    extent = (sizes.label_height if sizes.across else sizes.label_width) + 4
    moved = {}
    for at, group in gaps.items():
        group.sort(key=lambda run: (run.label[1], run.chain.edge))
        middles = spread([run.label[1] for run in group], [extent] * len(group))
        for run, middle in zip(group, middles, strict=True):
            moved[run.chain.edge] = replace(run, label=(at, middle))
    return [moved[run.chain.edge] for run in runs]


def _ports(plane: _Plane, chains: Sequence[_Chain]) -> dict[tuple[Slot, Slot, int], float]:
    """Where lines leave (1) and enter (-1) a box: side by side, ordered by their other ends."""
    sides: dict[tuple[Slot, int], list[Slot]] = defaultdict(list)
    for chain in chains:
        for one, other in pairwise(chain.slots):
            sides[one, 1].append(other)
            sides[other, -1].append(one)
    found = {}
    for (slot, side), others in sides.items():
        others.sort(key=lambda other: (plane.middle[other], other))
        middle, room = plane.middle[slot], 0.0 if slot[1] else plane.extent
        for index, other in enumerate(others):
            offset = room * ((index + 1) / (len(others) + 1) - 0.5)
            found[slot, other, side] = middle + offset
    return found


def _box(name: str, along: float, middle: float, sizes: Sizes) -> Box:
    if sizes.across:
        x, y = along, middle - sizes.height / 2
    else:
        x, y = middle - sizes.width / 2, along
    return Box(name, round(x, 1), round(y, 1), sizes.width, sizes.height)


def _line(run: _Run, shift: float, sizes: Sizes) -> Line:
    points = [(along, beside + shift) for along, beside in run.points]
    if run.chain.back:
        points.reverse()

    def at(along: float, beside: float) -> str:
        x, y = (along, beside) if sizes.across else (beside, along)
        return f"{x:.1f} {y:.1f}"

    path = f"M{at(*points[0])}"
    for index, (one, other) in enumerate(pairwise(points)):
        if index % 2:  # straight through a layer that it only passes
            path += f"L{at(*other)}"
            continue
        middle = (one[0] + other[0]) / 2
        path += f"C{at(middle, one[1])} {at(middle, other[1])} {at(*other)}"
    along, beside = run.label[0], run.label[1] + shift
    x, y = (along, beside) if sizes.across else (beside, along)
    return Line(*run.chain.edge, path, round(x, 1), round(y, 1))
