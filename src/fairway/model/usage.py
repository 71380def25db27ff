"""What an app file may assume of a month's use, for estimates of cost: keys and their meaning.

Read by `check/cost.py`, which refuses a key that is unknown or that would change nothing, and by
the targets' estimates. Sizes are bytes, all others plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

from fairway.model.app import App, Store
from fairway.model.services import Service

ENVIRONMENT = "environment"
"""The subject of assumptions about everything together."""

REPLICAS = "replicas"

_SERVING = {
    "requests": "requests a month from outside",
    "response": "the size of a usual answer",
    REPLICAS: "replicas that run on average",
    "logs": "what it logs in a month",
}
_STATIC = {"requests": _SERVING["requests"], "response": _SERVING["response"]}
_WORKING = {REPLICAS: _SERVING[REPLICAS], "logs": _SERVING["logs"]}
_STORES: Mapping[str, Mapping[str, str]] = {
    "dynamodb": {
        "reads": "reads a month",
        "writes": "writes a month",
        "storage": "what is stored",
    },
    "bucket": {
        "reads": "reads a month",
        "writes": "writes a month",
        "storage": "what is stored",
    },
    "postgres": {},
    "valkey": {},
}
TOPIC = {"events": "events a month"}
ENVIRONMENT_KEYS = {
    "nat": "traffic through NAT gateways in a month",
    "egress": "traffic to the internet in a month, beside the answers of services",
}


def keys_of_service(service: Service) -> Mapping[str, str]:
    """What may be assumed of a service."""
    match service.kind:
        case "static":
            return _STATIC
        case "worker" | "job":
            return _WORKING
        case _:
            return _SERVING


def keys_of_store(store: Store) -> Mapping[str, str]:
    """What may be assumed of a store; databases and caches are billed by their size alone."""
    return _STORES[store.kind]


def keys_of(app: App, subject: str) -> Mapping[str, str] | None:
    """What may be assumed of a subject; None for one that is not there."""
    if subject in app.services:
        return keys_of_service(app.services[subject])
    if subject in app.stores:
        return keys_of_store(app.stores[subject])
    if subject in app.topics:
        return TOPIC
    return ENVIRONMENT_KEYS if subject == ENVIRONMENT else None
