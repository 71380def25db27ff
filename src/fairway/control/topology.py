"""What is connected with what, and how it is: the picture that the console's overview draws.

`ControlPlane.topology` makes it from the app in force and from what runs; what flows along an edge
is asked from the telemetry. Frozen data of plain values, so `dataclasses.asdict` of it is its JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NodeKind = Literal["service", "gateway", "client", "store", "topic", "public"]
NodeState = Literal[
    "", "starting", "healthy", "degraded", "backoff", "stopped", "failed", "done", "external"
]
"""Of services and the gateway as in their status; `external` runs elsewhere; empty: has none."""
EdgeKind = Literal["call", "public", "store", "publish", "subscribe"]


@dataclass(frozen=True, slots=True)
class NodeVersion:
    """A version of a service: its weight in percent, how many replicas there are and are healthy.

    What runs from the working tree is called so: `working-tree`.
    """

    name: str
    weight: int
    replicas: int
    healthy: int


@dataclass(frozen=True, slots=True)
class Node:
    """Something that calls or is called. `public` is the outside, in front of the gateway."""

    name: str
    kind: NodeKind
    state: NodeState = ""
    versions: tuple[NodeVersion, ...] = ()
    urls: tuple[str, ...] = ()
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """Who may reach whom, by names of nodes. `intents` is empty where all or none are meant.

    `allowed` says whether the active policies let at least one of the intents through.
    """

    source: str
    target: str
    kind: EdgeKind
    intents: tuple[str, ...] = ()
    mutual_tls: bool = False
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that there is and how it is connected, both by name."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
