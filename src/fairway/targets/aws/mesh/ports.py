"""Ports and files of a task's sidecar, known without asking anybody. Pure.

Used by the documents of the mesh and by whoever sets the variables of a task. A task has a network
of its own, so the same ports serve everywhere. The port of a callee follows from its name alone:
the variables of a running version never change because another version calls somebody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from fairway.errors import InvalidInput

INBOUND = 15006
"""Where other tasks come in, by mutual TLS."""
EGRESS = 15001
"""Where the app calls whomever its Host header names (`FAIRWAY_EGRESS_URL`)."""
APP = 8080
"""Where an app listens that declares no port."""
GATEWAY = 8443
HEALTH = 15021
"""Of the gateway: the load balancer's way in, and where it asks for `/ready` by plain HTTP."""
OTLP = "http://127.0.0.1:4318"
"""The collector beside the app."""

STATE = Path("/tmp/fairway")  # noqa: S108 - a file system in memory that only the sidecar mounts
"""The agent's own folder: the files of Envoy and the keys that nobody else may read."""
HANDOUTS = Path("/fairway")
"""What the agent hands to the app; the app cannot write there."""

_FIRST, _MANY = 20_000, 10_000


def callee_port(callee: str) -> int:
    """Where the app calls one callee (`$AXON_URL`): 20000 + the first 32 bits of SHA-256 mod 10000.

    The root modules compute the same: `20000 + parseint(substr(sha256(name), 0, 8), 16) % 10000`.
    """
    return _FIRST + int(hashlib.sha256(callee.encode()).hexdigest()[:8], 16) % _MANY


def callee_ports(service: str, callees: Collection[str]) -> dict[str, int]:
    """The ports of all callees of a service; InvalidInput when two would share one."""
    ports = {callee: callee_port(callee) for callee in sorted(callees)}
    if len(set(ports.values())) < len(ports):
        shared = [c for c in ports if list(ports.values()).count(ports[c]) > 1]
        raise InvalidInput(
            "callee-ports-collide",
            f"{' and '.join(shared)} would be called through the same port",
            where=f"services.{service}.calls",
            remedy="give one of them another name: the port follows from it",
        )
    return ports


def callee_variables(service: str, callees: Collection[str]) -> dict[str, str]:
    """The variables by which an app calls others: `AXON_URL`, and `FAIRWAY_EGRESS_URL` for all."""
    urls = {
        f"{callee.upper().replace('-', '_')}_URL": f"http://127.0.0.1:{port}"
        for callee, port in callee_ports(service, callees).items()
    }
    return {**urls, "FAIRWAY_EGRESS_URL": f"http://127.0.0.1:{EGRESS}"}
