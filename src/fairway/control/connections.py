"""The topology of a running system, from the app in force and what runs. Pure.

`running.py` calls it for every question. Whether an edge is allowed follows from the same access
table that the mesh enforces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.control.explored import PUBLIC
from fairway.control.port import ServiceStatus, SystemStatus
from fairway.control.topology import Edge, Node, NodeVersion, Topology
from fairway.governance.access import GATEWAY, AccessTable
from fairway.governance.bundle import public_calls
from fairway.model.app import App
from fairway.model.services import Calls

Weights = Mapping[str, Mapping[str, int]]
"""Percent of new requests, by service and version."""


def topology(app: App, status: SystemStatus, weights: Weights, access: AccessTable) -> Topology:
    """Everything that there is and how it is connected."""
    nodes = sorted(_nodes(app, status, weights), key=lambda node: (node.kind, node.name))
    edges = sorted(_edges(app, access), key=lambda edge: (edge.source, edge.target, edge.kind))
    return Topology(tuple(nodes), tuple(edges))


def _nodes(app: App, status: SystemStatus, weights: Weights) -> Iterator[Node]:
    running = {service.name: service for service in status.services}
    for name in app.services:
        yield _service(name, running.get(name), weights.get(name, {}))
    for name in app.clients:
        yield Node(name, "client", "external")
    for name in app.stores:
        yield Node(name, "store")
    for name in app.topics:
        yield Node(name, "topic")
    if any(service.public for service in app.services.values()):
        gateway = next((envoy for envoy in status.envoys if envoy.name == GATEWAY), None)
        urls = (status.gateway_url,) if status.gateway_url else ()
        yield Node(GATEWAY, "gateway", gateway.state if gateway else "stopped", urls=urls)
        yield Node(PUBLIC, "public", "external")


def _service(name: str, found: ServiceStatus | None, weights: Mapping[str, int]) -> Node:
    if found is None:
        return Node(name, "service", "stopped")
    running = {replica.version for replica in found.replicas}
    versions = []
    for version in sorted(running | weights.keys()):
        replicas = [each for each in found.replicas if each.version == version]
        healthy = sum(1 for each in replicas if each.state in ("healthy", "done"))
        versions.append(NodeVersion(version, weights.get(version, 0), len(replicas), healthy))
    restarts = sum(replica.restarts for replica in found.replicas)
    return Node(name, "service", found.state, tuple(versions), found.urls, restarts)


def _edges(app: App, access: AccessTable) -> Iterator[Edge]:
    for name, service in app.services.items():
        yield from _calls(name, service.calls, access)
        yield from (Edge(name, store, "store") for store in service.stores)
        yield from (Edge(name, topic, "publish") for topic in service.publishes)
        yield from (Edge(topic, name, "subscribe") for topic in service.subscribes)
    for name, client in app.clients.items():
        yield from _calls(name, client.calls, access)
    yield from _opened(app, access)


def _calls(caller: str, calls: Calls, access: AccessTable) -> Iterator[Edge]:
    for callee, call in calls.items():
        allowed = any(caller in access.principals(callee, intent) for intent in call.intents)
        yield Edge(caller, callee, "call", call.intents, mutual_tls=True, allowed=allowed)


def _opened(app: App, access: AccessTable) -> Iterator[Edge]:
    """What the gateway opens: a public route may lead to what is no intent of its service."""
    opened = {name: service for name, service in app.services.items() if service.public}
    intents = {name: [call[3] for call in public_calls(app) if call[2] == name] for name in opened}
    for name, found in intents.items():
        allowed = not found or any(GATEWAY in access.principals(name, intent) for intent in found)
        yield Edge(GATEWAY, name, "call", tuple(found), mutual_tls=True, allowed=allowed)
    if opened:
        yield Edge(PUBLIC, GATEWAY, "public")
