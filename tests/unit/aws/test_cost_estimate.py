"""A plan of Terraform becomes a bill: what is there, what is assumed, what has no price."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairway.model.app import App
from fairway.targets.aws.cost.estimate import (
    Basis,
    Estimate,
    differences,
    estimate_planned,
    estimate_present,
)
from fairway.targets.aws.cost.planned import subject_of
from fairway.targets.aws.cost.prices import parsed, price_table
from fairway.targets.aws.cost.usage import HOURS, Usage, usage_of

SUBJECTS = ("orbit", "axon", "orders", "paid")
ROOTS = Path(__file__).parents[3] / "infra" / "roots"
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")


def resource(address: str, **values: Any) -> dict[str, Any]:
    kind, name = address.split(".")
    index = name.split('"')[1] if '"' in name else None
    return {
        "address": address, "mode": "managed", "type": kind, "name": name.split("[")[0],
        "values": values, **({"index": index} if index else {}),
    }  # fmt: skip


def module(address: str, *resources: dict[str, Any]) -> dict[str, Any]:
    whole = [{**r, "address": f"{address}.{r['address']}"} for r in resources]
    return {"address": address, "resources": whole}


def plan(*modules: dict[str, Any], before: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "planned_values": {"root_module": {"child_modules": list(modules)}},
        "prior_state": {"values": {"root_module": {"child_modules": list(before)}}},
    }


def basis(region: str = "eu-central-1", leaving: Any = (), **usage: dict[str, float]) -> Basis:
    return Basis(region, Usage(usage), price_table(), SUBJECTS, leaving)


def task(version: str, cpu: int = 512, memory: int = 1024) -> dict[str, Any]:
    return resource(f'aws_ecs_task_definition.this["{version}"]', cpu=str(cpu), memory=str(memory))


def service(version: str, count: int = 2, spot: int = 0) -> dict[str, Any]:
    capacity = [
        {"capacity_provider": "FARGATE", "weight": 100 - spot},
        {"capacity_provider": "FARGATE_SPOT", "weight": spot},
    ]
    address = f'aws_ecs_service.this["{version}"]'
    return resource(address, desired_count=count, capacity_provider_strategy=capacity)


def orbit(*resources: dict[str, Any]) -> dict[str, Any]:
    return module('module.services["orbit"]', *resources)


def test_tasks_are_billed_by_cpu_and_memory_of_their_own_version() -> None:
    found = estimate_planned(plan(orbit(task("r7"), service("r7"), task("r6", 4096))), basis())
    by_hand = 2 * HOURS * (0.5 * 0.04656 + 1 * 0.00511)
    assert found.by_subject == {"orbit": pytest.approx(by_hand)}


def test_spot_costs_a_share_of_the_price() -> None:
    full = estimate_planned(plan(orbit(task("r7"), service("r7"))), basis()).monthly
    half = estimate_planned(plan(orbit(task("r7"), service("r7", spot=50))), basis()).monthly
    assert half == pytest.approx(full * (0.5 + 0.5 * 0.3))


def test_a_version_that_leaves_is_not_paid_for() -> None:
    both = plan(orbit(task("r7"), service("r7"), task("r8"), service("r8")))
    staying = estimate_planned(both, basis(leaving={("orbit", "r7")}))
    assert staying.monthly == pytest.approx(estimate_planned(both, basis()).monthly / 2)


def test_assumed_replicas_take_the_place_of_planned_ones() -> None:
    whole = plan(orbit(task("r7"), service("r7", count=2)))
    found = estimate_planned(whole, basis(orbit={"replicas": 3}))
    assert found.monthly == pytest.approx(estimate_planned(whole, basis()).monthly * 1.5)
    assert all(line.assumed for line in found.lines)


def test_what_nobody_assumes_costs_nothing_by_use() -> None:
    balancer = module("module.load_balancer", resource("aws_lb.this", internal=False, subnets=[1]))
    quiet = estimate_planned(plan(balancer), basis())
    busy = estimate_planned(plan(balancer), basis(orbit={"requests": 1e6, "response": 1e6}))
    assert busy.monthly - quiet.monthly == pytest.approx(1000 * 0.008 + 1000 * 0.09)


def test_what_has_no_price_is_told_and_not_guessed() -> None:
    database = resource("aws_db_instance.this", instance_class="db.r9.huge", allocated_storage=20)
    stores = module('module.databases["orders"]', database)
    strange = module("module.x", resource("aws_quantum_thing.this"))
    found = estimate_planned(plan(stores, strange), basis())
    assert found.unpriced == ("aws_quantum_thing", "database:db.r9.huge in eu-central-1")
    assert found.by_subject == {"orders": pytest.approx(20 * 0.137)}


def test_a_replica_has_the_disk_of_its_primary() -> None:
    replica = resource("aws_db_instance.this", instance_class="db.t4g.small")
    stores = plan(module('module.databases["orders"]', replica))
    known = estimate_planned(stores, replace(basis(), disks={"orders": 20.0}))
    assert known.monthly == pytest.approx(HOURS * 0.037 + 20 * 0.137)
    assert not known.at_least
    unknown = estimate_planned(stores, basis())
    assert unknown.unpriced == ("database-storage of unknown size in eu-central-1",)
    assert unknown.at_least


def test_events_cost_on_the_bus_as_well() -> None:
    events = module(
        "module.events",
        resource("aws_cloudwatch_event_bus.this"),
        resource('aws_sns_topic.this["paid"]'),
    )
    found = estimate_planned(plan(events), basis(paid={"events": 1e6}))
    assert found.by_subject == {"paid": pytest.approx(0.5 + 1.0)}
    assert found.unassumed == frozenset()


def test_what_is_billed_by_use_is_told_until_it_is_assumed() -> None:
    table = plan(module('module.tables["orders"]', resource("aws_dynamodb_table.this")))
    some = estimate_planned(table, basis(orders={"reads": 0, "storage": 5e9}))
    assert some.unassumed == {("orders", "writes")}
    public = estimate_planned(plan(), replace(basis(), public=("orbit",)))
    assert public.unassumed == {("orbit", "requests"), ("orbit", "response")}
    assert not some.at_least


def test_the_default_database_has_a_price_everywhere() -> None:
    variables = (ROOTS / "region" / "variables.tf").read_text("utf-8")
    (default,) = re.findall(r'instance_class = optional\(string, "(.*)"\)', variables)
    assert all(price_table().find(f"database:{default}", region) for region in REGIONS)


def test_a_region_without_prices_has_no_bill() -> None:
    found = estimate_planned(plan(orbit(task("r7"), service("r7"))), basis("mars-north-1"))
    assert (found.lines, found.monthly) == ((), 0)
    assert found.unpriced == ("fargate-memory in mars-north-1", "fargate-vcpu in mars-north-1")


def test_before_and_after_by_subject() -> None:
    one, two = orbit(task("r7"), service("r7", 1)), orbit(task("r7"), service("r7", 2))
    whole = plan(two, before=(one,))
    before, after = estimate_present(whole, basis()), estimate_planned(whole, basis())
    (change,) = differences(before, after)
    assert (change.subject, change.after) == ("orbit", pytest.approx(2 * change.before))


def test_regions_add_up() -> None:
    whole = plan(orbit(task("r7"), service("r7")))
    one, two = (estimate_planned(whole, basis(region)) for region in REGIONS[:2])
    assert one.plus(two).monthly == pytest.approx(one.monthly + two.monthly)
    assert {line.region for line in one.plus(two).lines} == set(REGIONS[:2])


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ('module.services["orbit"].aws_ecs_service.this["r7"]', "orbit"),
        ('module.events.aws_sqs_queue.this["paid.orbit"]', "paid"),
        ('module.keys["strange"].aws_kms_key.this', "environment"),
        ("module.networking.aws_vpc.this", "environment"),
    ],
)
def test_whose_a_resource_is(address: str, subject: str) -> None:
    assert subject_of(address, SUBJECTS) == subject


def test_every_price_has_a_source_and_a_day() -> None:
    table = price_table()
    assert set(REGIONS) <= set(table.regions)
    for price in table.known.values():
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.value > 0
        assert price.unit


def test_a_damaged_table_is_not_taken() -> None:
    with pytest.raises(KeyError):
        parsed("- prices: {key: {us-east-1: 1.0}}\n  source: https://aws.amazon.com\n")


def test_nothing_costs_nothing() -> None:
    assert Estimate().monthly == 0
    assert Estimate().oldest_price is None


def test_only_the_leading_region_has_traffic() -> None:
    app = App.model_validate(
        {
            "app": "shop",
            "services": {"web": {"run": "x", "public": "/"}},
            "environments": {
                "prod": {"cost": {"usage": {"web": {"requests": 5000, "replicas": 3}}}}
            },
        }
    )
    assert usage_of(app, "prod", leads=True).of("web", "requests") == 5000
    follower = usage_of(app, "prod", leads=False)
    assert (follower.of("web", "requests"), follower.of("web", "replicas")) == (0, 3)
