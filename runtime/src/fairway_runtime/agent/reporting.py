"""What a task tells the control plane and CloudWatch about itself. Rows and metrics are pure.

A row of the table, replaced every few seconds:

    pk, sk              `<service>#<version>` (the gateway's version is empty), the task
    mesh_version        the version of the document that Envoy runs on; empty before the first
    handouts_version    likewise of what the app was handed
    at, ttl             when, and when the row may be forgotten; Unix seconds
    totals              JSON: see `totals.py`
    problem             why a newer document is not in force, or empty

CloudWatch gets what was added since the last time, as Requests, Errors and Latency (milliseconds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairway_runtime.agent.settings import AgentSettings
from fairway_runtime.agent.totals import Totals

Json = dict[str, Any]

KEPT = 7 * 86_400
"""Seconds for which the row of a task that is gone stays: its totals are added up after a day."""
_VALUES = 150
"""How many different values CloudWatch takes in one metric of one call."""


@dataclass(frozen=True, slots=True)
class State:
    """What is in force in a task."""

    mesh_version: str = ""
    handouts_version: str = ""
    problem: str = ""


def row(settings: AgentSettings, task: str, state: State, totals: Totals, now: float) -> Json:
    """The row of a task, as DynamoDB writes it."""
    texts = {
        "pk": f"{settings.service}#{settings.version}",
        "sk": task,
        "mesh_version": state.mesh_version,
        "handouts_version": state.handouts_version,
        "problem": state.problem,
        "totals": totals.text(),
    }
    numbers = {"at": f"{now:.3f}", "ttl": str(int(now) + KEPT)}
    return {
        **{name: {"S": text} for name, text in texts.items()},
        **{name: {"N": number} for name, number in numbers.items()},
    }


def metrics(settings: AgentSettings, added: Totals) -> list[Json]:
    """What CloudWatch is told of the requests of a minute; nothing where there were none."""
    if not added.requests:
        return []
    whose = {
        "App": settings.app,
        "Environment": settings.environment,
        "Service": settings.service,
        "Version": settings.version or "-",
    }
    dimensions = [{"Name": name, "Value": value} for name, value in whose.items()]
    counts = {"Requests": added.requests, "Errors": added.errors}
    return [
        *(
            {"MetricName": n, "Dimensions": dimensions, "Value": float(v), "Unit": "Count"}
            for n, v in counts.items()
        ),
        *_latency(dimensions, added),
    ]


def _latency(dimensions: list[Json], added: Totals) -> list[Json]:
    buckets = sorted(added.latency.items())
    return [
        {
            "MetricName": "Latency",
            "Dimensions": dimensions,
            "Values": [middle / 1_000 for middle, _ in some],
            "Counts": [float(count) for _, count in some],
            "Unit": "Milliseconds",
        }
        for some in (buckets[i : i + _VALUES] for i in range(0, len(buckets), _VALUES))
    ]
