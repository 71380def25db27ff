"""Load balancers that divide the requests of services outside the mesh: weights of their rules.

A rule forwards to the target groups of a service, one for each slot; Terraform makes the rules and
leaves their weights alone, this module sets and reads them. A rule is a service's when it forwards
to one of its target groups, whose names are known. Methods block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairway.errors import NotFound
from fairway.targets.aws import names
from fairway.targets.aws.clients import telling
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.state import SLOTS, Standing

Slot = tuple[str, str]
"""A service and one of its slots."""
Weights = Mapping[str, Mapping[str, int]]
"""By service, then by slot."""
SIDES = ("public", "internal")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener that forwards to target groups of a service."""

    arn: str
    service: str
    actions: tuple[Any, ...]
    weights: Mapping[str, int]


class Balancer:
    """The load balancers of one environment."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def rules(self, region: str, services: Iterable[str]) -> list[Rule]:
        """The rules of services; none without load balancers."""
        slots = self._slots(services)
        if not slots:
            return []
        client = self._place.clients.of("elbv2", region)
        with telling("read the rules of the load balancers", where=region):
            return [
                rule
                for listener in self._listeners(client)
                for found in _pages(client, "describe_rules", "Rules", ListenerArn=listener)
                if (rule := _rule(found, slots)) is not None
            ]

    def divide(self, region: str, weights: Weights) -> None:
        """Have every rule of these services divide so; returns when AWS says that they do."""
        client = self._place.clients.of("elbv2", region)
        for rule in self.rules(region, weights):
            wanted = weights[rule.service]
            if all(rule.weights.get(slot, 0) == wanted.get(slot, 0) for slot in SLOTS):
                continue
            groups = self.groups_arns(region, [rule.service])
            with telling(f"divide the requests of {rule.service}", where=rule.arn):
                client.modify_rule(RuleArn=rule.arn, Actions=list(_divided(rule, wanted, groups)))

    def groups(self, region: str, services: Iterable[str]) -> dict[Slot, dict[str, str]]:
        """The target groups of services as CloudWatch calls them, where a load balancer has them.

        `TargetGroup` and `LoadBalancer` are the dimensions of their metrics.
        """
        return {
            slot: {
                "TargetGroup": found["TargetGroupArn"].rpartition(":")[2],
                "LoadBalancer": found["LoadBalancerArns"][0].partition("loadbalancer/")[2],
            }
            for slot, found in self._groups(region, services).items()
            if found.get("LoadBalancerArns")
        }

    def groups_arns(self, region: str, services: Iterable[str]) -> dict[Slot, str]:
        """The target groups of services."""
        found = self._groups(region, services)
        return {slot: str(group["TargetGroupArn"]) for slot, group in found.items()}

    def healthy(self, region: str, services: Iterable[str]) -> dict[Slot, int]:
        """How many targets of each slot the load balancer finds healthy."""
        client = self._place.clients.of("elbv2", region)
        counts = {}
        for slot, arn in self.groups_arns(region, services).items():
            with telling("look whether targets are healthy", where=arn):
                found = client.describe_target_health(TargetGroupArn=arn)
            states = [each["TargetHealth"]["State"] for each in found["TargetHealthDescriptions"]]
            counts[slot] = states.count("healthy")
        return counts

    def _slots(self, services: Iterable[str]) -> dict[str, Slot]:
        """The names of target groups, to whose they are."""
        return {
            name: (service, slot)
            for service in services
            for name, slot in self._place.target_groups(service, SLOTS).items()
        }

    def _groups(self, region: str, services: Iterable[str]) -> dict[Slot, Any]:
        slots = self._slots(services)
        client = self._place.clients.of("elbv2", region)
        found: dict[Slot, Any] = {}
        for name, slot in slots.items():
            try:
                with telling("find a target group", where=name):
                    [group] = client.describe_target_groups(Names=[name])["TargetGroups"]
            except (NotFound, ValueError):
                continue
            found[slot] = group
        return found

    def _listeners(self, client: Any) -> Iterator[str]:
        for side in SIDES:
            name = names.load_balancer(self._place.app, self._place.environment, side)
            try:
                with telling("find a load balancer", where=name):
                    found = client.describe_load_balancers(Names=[name])["LoadBalancers"]
            except NotFound:
                continue
            for balancer in found:
                for listener in _pages(
                    client,
                    "describe_listeners",
                    "Listeners",
                    LoadBalancerArn=balancer["LoadBalancerArn"],
                ):
                    yield listener["ListenerArn"]


def wanted_weights(standing: Standing) -> dict[str, dict[str, int]]:
    """How the rules of services outside the mesh should divide, by slot. Pure."""
    return {
        name: {version.slot: version.weight for version in standing.services[name]}
        for name in sorted(standing.outside_mesh & standing.services.keys())
    }


def _pages(client: Any, call: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(call).paginate(**arguments):
        yield from page[key]


def _rule(found: Any, slots: Mapping[str, Slot]) -> Rule | None:
    """A rule if it forwards to a target group of ours."""
    weights: dict[str, int] = {}
    service = ""
    for group in _forwarded(found["Actions"]):
        known = slots.get(group["TargetGroupArn"].split("/")[-2])
        if known is not None:
            service, slot = known
            weights[slot] = int(group.get("Weight", 1))
    if not service:
        return None
    return Rule(found["RuleArn"], service, tuple(found["Actions"]), weights)


def _forwarded(actions: Sequence[Any]) -> Iterator[Any]:
    for action in actions:
        if action["Type"] == "forward":
            config = action.get("ForwardConfig") or {}
            yield from config.get("TargetGroups", ())


def _divided(rule: Rule, wanted: Mapping[str, int], arns: Mapping[Slot, str]) -> Iterator[Any]:
    """The actions of a rule with other weights; the groups of slots that nobody has get nothing."""
    groups = [
        {"TargetGroupArn": arn, "Weight": wanted.get(slot, 0)}
        for (_, slot), arn in sorted(arns.items())
        if slot in rule.weights or wanted.get(slot)
    ]
    for action in rule.actions:
        if action["Type"] != "forward":
            yield action
            continue
        config = {**action.get("ForwardConfig", {}), "TargetGroups": groups}
        kept = {key: value for key, value in action.items() if key != "TargetGroupArn"}
        yield {**kept, "ForwardConfig": config}
