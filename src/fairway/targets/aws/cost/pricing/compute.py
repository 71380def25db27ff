"""Tasks on Fargate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fairway.targets.aws.cost.items import Context, Item, Pricer
from fairway.targets.aws.cost.planned import Resource
from fairway.targets.aws.cost.usage import HOURS

_UNITS_OF_A_CPU = 1024
_MIB_OF_A_GB = 1024
_SPOT = "FARGATE_SPOT"


def _service(resource: Resource, context: Context) -> Iterator[Item]:
    """Every task by the second, for its CPU and its memory; part of them on spot capacity."""
    task = _task_definition(resource, context)
    if task is None:
        return
    planned = float(resource.values.get("desired_count") or 0)
    count = context.usage.of(resource.subject, "replicas", planned)
    cpu = float(task.get("cpu") or 0) / _UNITS_OF_A_CPU
    memory = float(task.get("memory") or 0) / _MIB_OF_A_GB
    spot = _spot_share(resource.values)
    assumed = count != planned
    for share, suffix in ((1 - spot, ""), (spot, " on spot")):
        if not share * count:
            continue
        factor = context.spot_share if suffix else 1.0
        hours = HOURS * count * share
        tasks = f"{count * share:g} x {cpu:g} vCPU{suffix}"
        yield Item(tasks, hours * cpu, "fargate-vcpu", factor, assumed)
        tasks = f"{count * share:g} x {memory:g} GB{suffix}"
        yield Item(tasks, hours * memory, "fargate-memory", factor, assumed)


def _task_definition(resource: Resource, context: Context) -> Mapping[str, Any] | None:
    """That of the same version: both have its name as their key."""
    found = context.beside(resource, "aws_ecs_task_definition")
    for each in found:
        if each.key == resource.key:
            return each.values
    return found[0].values if len(found) == 1 else None


def _spot_share(values: Mapping[str, Any]) -> float:
    strategies = values.get("capacity_provider_strategy") or ()
    total = sum(float(each.get("weight") or 0) for each in strategies)
    spot = sum(
        float(each.get("weight") or 0)
        for each in strategies
        if each.get("capacity_provider") == _SPOT
    )
    return spot / total if total else 0.0


COMPUTE: Mapping[str, Pricer] = {"aws_ecs_service": _service}
