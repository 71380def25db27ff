"""The overview's picture: what is connected, with what flows there. Pure.

`pages/overview` gives it topology and traffic and hands the result to the template. An edge is a
pair of nodes: what the app file declares, and besides whatever somebody tried without being
allowed to, drawn as denied, also when it is a stranger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fairway.console.views.graph import Box, Line, Sizes, draw
from fairway.console.views.refusals import Refusals
from fairway.console.views.wording import duration, part, percent, rate, url
from fairway.control.topology import Edge, Node, Topology
from fairway.telemetry.port import Traffic

Mood = Literal["quiet", "flowing", "failing", "denied", "forbidden"]
"""Of an edge: nothing, requests, errors among them, only refusals; declared but not allowed."""
FAILING = 0.01
"""The share of errors from which an edge is drawn as failing."""
_PHONE = Sizes(across=False, width=158, height=62, gap=92, space=16, label_width=118)
_DESK = Sizes()
_FAR = 1300
_KINDS = {"public": "outside", "gateway": "gateway", "client": "client", "store": "store"}


@dataclass(frozen=True, slots=True)
class EdgeView:
    """A pair of nodes, and what went from one to the other over the time that was asked for."""

    source: str
    target: str
    kinds: tuple[str, ...]
    intents: tuple[str, ...]
    mood: Mood
    mutual_tls: bool
    requests: int = 0
    rate: float = 0.0
    errors: float = 0.0
    denied: int = 0
    p95: float | None = None
    versions: tuple[tuple[str, int], ...] = ()
    declared: bool = True
    audited: bool = True

    @property
    def traffic(self) -> bool:
        """Whether requests can flow here at all, as far as the mesh sees them."""
        return bool({"call", "public"} & set(self.kinds)) or not self.declared

    @property
    def pace(self) -> int:
        """How busy it is, from 0 to 3, by powers of ten."""
        return 0 if not self.rate else 1 if self.rate < 1 else 2 if self.rate < 30 else 3

    @property
    def metrics(self) -> str:
        """Where its numbers are."""
        return url("/metrics", service=self.target, caller=self.source)

    @property
    def denials(self) -> str:
        """Where its refusals are explained."""
        if not self.audited:
            return url("/traces", service=self.target, outcome="denied")
        return url("/policies/audit", **self._asked_by, verdict="deny")

    @property
    def _asked_by(self) -> dict[str, str]:
        """Filters for the audit log, which knows who asked but not by which hop it came."""
        match self.source:
            case "public":
                return {}
            case "gateway":
                return {"service": self.target}
            case _:
                return {"service": self.target, "caller": self.source}

    @property
    def label(self) -> tuple[str, ...]:
        """What stands on the line: how much, how fast and how well, which versions."""
        if not self.requests:
            return ()
        failed = f" · {percent(self.errors)} err" if self.errors else ""
        split = " · ".join(f"{name} {weight} %" for name, weight in self.versions[:2])
        return (
            rate(self.rate),
            f"{duration(self.p95)}{failed}",
            *([split] if split else []),
        )

    @property
    def label_width(self) -> float:
        """About as wide as its longest row, in pixels; the first one has the lock before it."""
        rows = [f"{row}     " if index == 0 else row for index, row in enumerate(self.label)]
        rows += [f"  {self.denied:,} denied"] if self.denied else []
        return min(max((len(row) for row in rows), default=0), 20) * 6 + 8

    @property
    def words(self) -> str:
        """All of it in a sentence, for screen readers and tooltips."""
        said = [f"{self.source} to {self.target}: {', '.join(self.kinds) or 'undeclared calls'}"]
        if self.intents:
            said.append(f"may ask {', '.join(self.intents)}")
        if self.requests:
            said.append(
                f"{rate(self.rate)} requests, {percent(self.errors)} errors, "
                f"p95 {duration(self.p95)}"
            )
        elif self.traffic:
            said.append("no requests")
        if self.denied:
            said.append(f"{self.denied} denied")
        if self.mood == "forbidden":
            said.append("declared, but no policy allows it")
        said += ["mutual TLS"] if self.mutual_tls else []
        said += [f"{weight} % to {name}" for name, weight in self.versions]
        return "; ".join(said)


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as it is drawn; `lines` stand below its name."""

    name: str
    kind: str
    state: str
    lines: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Nodes and edges where they stand, in one orientation."""

    across: bool
    width: float
    height: float
    nodes: tuple[tuple[NodeView, Box], ...]
    edges: tuple[tuple[EdgeView, Line], ...]

    @property
    def far(self) -> bool:
        """Whether it is so wide that it is scrolled rather than made smaller."""
        return self.across and self.width > _FAR


@dataclass(frozen=True, slots=True)
class Sum:
    """What comes in from outside the mesh, and how many calls were denied anywhere."""

    rate: float
    errors: float
    p95: float | None
    denied: int


def edge_views(
    topology: Topology,
    flows: Sequence[Traffic],
    split: Sequence[Traffic] = (),
    refusals: Refusals | None = None,
) -> tuple[EdgeView, ...]:
    """Every pair that is declared or was tried. `flows` by caller, `split` by version as well.

    `refusals` are the audit log's, of the same time.
    """
    names = {node.name for node in topology.nodes}
    weights = {node.name: weights_of(node) for node in topology.nodes}
    found = {(flow.caller, flow.service): flow for flow in flows}
    declared: dict[tuple[str, str], EdgeView] = {}
    for edge in topology.edges:
        pair = edge.source, edge.target
        before = declared.get(pair)
        declared[pair] = _joined(before, edge) if before else _declared(edge)
    tried = {
        pair: EdgeView(*pair, (), (), "denied", mutual_tls=False, declared=False)
        for pair in _tried(found, refusals)
        if pair not in declared and set(pair) <= names
    }
    shares = _shares(split)
    views = (
        _flowing(view, found[pair], shares.get(pair, ()) or weights[pair[1]])
        if pair in found
        else replace(view, versions=weights[pair[1]] if "call" in view.kinds else ())
        for pair, view in sorted((declared | tried).items())
    )
    return tuple(views) if refusals is None else tuple(_refused(view, refusals) for view in views)


def _tried(
    found: Mapping[tuple[str, str], Traffic], refusals: Refusals | None
) -> set[tuple[str, str]]:
    sent = {pair for pair, flow in found.items() if flow.requests}
    return sent if refusals is None else sent | set(refusals.unsent)


def with_strangers(topology: Topology, flows: Iterable[Traffic]) -> Topology:
    """Likewise with callers that nobody declared: they were there."""
    known = {node.name for node in topology.nodes}
    callers = {flow.caller for flow in flows if flow.requests and flow.service in known} - known
    strangers = tuple(Node(name, "client", "external") for name in sorted(callers - {""}))
    return replace(topology, nodes=(*topology.nodes, *strangers))


def weights_of(node: Node) -> tuple[tuple[str, int], ...]:
    """How new requests are divided, when there is more than one version."""
    if len(node.versions) < 2:
        return ()
    return tuple((version.name or "working tree", version.weight) for version in node.versions)


def _shares(split: Iterable[Traffic]) -> Mapping[tuple[str, str], tuple[tuple[str, int], ...]]:
    """How requests really were divided, where more than one version answered."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for flow in split:
        of_pair = counts.setdefault((flow.caller, flow.service), {})
        of_pair[flow.version] = of_pair.get(flow.version, 0) + flow.requests
    return {
        pair: tuple(
            (version or "working tree", round(100 * count / max(1, sum(by_version.values()))))
            for version, count in sorted(by_version.items())
        )
        for pair, by_version in counts.items()
        if len(by_version) > 1
    }


def _declared(edge: Edge) -> EdgeView:
    mood: Mood = "quiet" if edge.allowed else "forbidden"
    return EdgeView(
        edge.source, edge.target, (edge.kind,), edge.intents, mood, mutual_tls=edge.mutual_tls
    )


def _joined(view: EdgeView, edge: Edge) -> EdgeView:
    return replace(
        view,
        kinds=(*view.kinds, edge.kind),
        intents=(*view.intents, *edge.intents),
        mutual_tls=view.mutual_tls or edge.mutual_tls,
    )


def _flowing(view: EdgeView, flow: Traffic, versions: tuple[tuple[str, int], ...]) -> EdgeView:
    errors = flow.errors / flow.requests if flow.requests else 0.0
    return replace(
        view,
        mood=_mood(view, flow, errors),
        requests=flow.requests,
        rate=flow.rate,
        errors=errors,
        denied=flow.denied,
        p95=flow.p95,
        versions=versions,
    )


def _refused(view: EdgeView, refusals: Refusals) -> EdgeView:
    """With what was refused to a caller that asked first: the mesh has seen no request of it."""
    unsent = refusals.unsent.get((view.source, view.target), 0)
    only = bool(unsent) and view.denied == view.requests
    return replace(
        view,
        denied=view.denied + unsent,
        mood="denied" if only else view.mood,
        audited=not view.denied + unsent or refusals.explain(view.source, view.target),
    )


def _mood(view: EdgeView, flow: Traffic, errors: float) -> Mood:
    if not flow.requests:
        return view.mood
    if flow.denied == flow.requests:
        return "denied"
    return "failing" if errors >= FAILING else "flowing"


def node_view(node: Node) -> NodeView:
    """A node as it is drawn."""
    href = ""
    if node.kind == "service":
        href = f"/services/{part(node.name)}"
    elif node.kind in ("gateway", "client"):
        href = url("/traces", service=node.name)
    return NodeView(node.name, node.kind, node.state, _node_lines(node), href)


def _node_lines(node: Node) -> tuple[str, ...]:
    if node.kind != "service":
        return (_KINDS.get(node.kind, node.kind),)
    if len(node.versions) > 1:
        return tuple(
            f"{version.name or 'working tree'} {version.weight} %"
            f" · {version.healthy}/{version.replicas}"
            for version in node.versions[:2]
        )
    version = node.versions[0] if node.versions else None
    if version is None or not version.replicas:
        return (node.state or "not running",)
    many = f"{version.healthy}/{version.replicas} healthy"
    again = f" · {node.restarts} restarts" if node.restarts else ""
    return (many + again, *((version.name,) if version.name else ()))


def pictures(topology: Topology, edges: Sequence[EdgeView]) -> tuple[Picture, Picture]:
    """The same for a desk and for a phone."""
    return _picture(topology, edges, _DESK), _picture(topology, edges, _PHONE)


def _picture(topology: Topology, edges: Sequence[EdgeView], sizes: Sizes) -> Picture:
    drawing = draw(
        (node.name for node in topology.nodes), ((e.source, e.target) for e in edges), sizes
    )
    nodes = {node.name: node_view(node) for node in topology.nodes}
    views = {(edge.source, edge.target): edge for edge in edges}
    return Picture(
        sizes.across,
        drawing.width,
        drawing.height,
        tuple((nodes[box.name], box) for box in drawing.boxes),
        tuple((views[line.source, line.target], line) for line in drawing.lines),
    )


def summed(edges: Sequence[EdgeView], nodes: Sequence[Node]) -> Sum:
    """The app as a whole: what its outermost callers send."""
    outside = {node.name for node in nodes if node.kind in ("public", "client")}
    entering = [edge for edge in edges if edge.source in outside and edge.requests]
    count = sum(edge.requests for edge in entering)
    failed = sum(edge.errors * edge.requests for edge in entering)
    slowest = [edge.p95 for edge in entering if edge.p95 is not None]
    return Sum(
        sum(edge.rate for edge in entering),
        failed / count if count else 0.0,
        max(slowest, default=None),
        sum(edge.denied for edge in edges if edge.source != "public"),
    )
