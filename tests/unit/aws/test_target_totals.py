"""Totals of tasks and of load balancers become the same numbers."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st
from tests.aws.moto_rig import REGION, Moto
from tests.aws_target_rig import clients_of

from fairway.plan.latency import bucket_of, quantile
from fairway.targets.aws.balancing import Balancer
from fairway.targets.aws.measuring.measurer import Measurer
from fairway.targets.aws.measuring.reports import Report, late, partition
from fairway.targets.aws.measuring.totals import (
    from_percentiles,
    from_text,
    summed,
    to_text,
    traffic_of,
)
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.state import Standing, StandingVersion
from fairway.targets.contract import Traffic

COUNTS = st.integers(0, 10_000)
TRAFFIC = st.builds(
    Traffic,
    COUNTS,
    COUNTS,
    st.dictionaries(st.integers(0, 900), COUNTS, max_size=5),
    st.dictionaries(st.text("abc", min_size=1), st.tuples(COUNTS, COUNTS), max_size=3),
)


def test_what_an_agent_writes() -> None:
    text = json.dumps(
        {"requests": 3, "errors": 1, "latency": {"5000": 2, "5001": 1}, "ratios": {"good": [2, 3]}}
    )
    found = traffic_of(text)
    assert (found.requests, found.errors, found.ratios) == (3, 1, {"good": (2, 3)})
    assert sum(found.latency.values()) == 3
    assert traffic_of("") == Traffic()


@given(TRAFFIC)
def test_own_rows_lose_nothing(traffic: Traffic) -> None:
    assert from_text(to_text(traffic)) == traffic


@given(st.lists(TRAFFIC, max_size=4))
def test_a_sum_does_not_depend_on_what_was_folded_before(parts: list[Traffic]) -> None:
    folded = [summed(parts[:2]), *parts[2:]]
    assert summed(folded) == summed(parts)


@given(st.integers(0, 100_000), st.floats(0.001, 1), st.floats(0, 5))
def test_every_request_has_a_latency(requests: int, low: float, more: float) -> None:
    seconds = {50: low, 95: low + more / 2, 100: low + more}
    assert sum(from_percentiles(requests, seconds).values()) == requests


def test_percentiles_are_found_again() -> None:
    latency = from_percentiles(1000, {50: 0.01, 95: 0.1, 100: 1.0})
    for share, seconds in ((0.5, 0.01), (0.95, 0.1), (1.0, 1.0)):
        found = quantile(latency, share)
        assert found is not None
        assert bucket_of(found) == bucket_of(seconds * 1e6)


def test_late_are_tasks_that_have_reported_something_else() -> None:
    rows = [
        Report("a", 1.0, "", mesh_version="new"),
        Report("b", 1.0, "", mesh_version="old"),
        Report("gone", 1.0, "", mesh_version="old"),
    ]
    assert late(rows, ["a", "b", "just-started"], "mesh", "new") == {"b"}
    assert late(rows, ["a"], "handouts", "new") == {"a"}


def test_any_number_of_tasks_that_are_gone_are_counted_once(moto: Moto) -> None:
    place = Place("shop", "prod", REGION, clients_of(moto.url), time.time)
    client, table = moto.client("dynamodb"), place.telemetry_table
    client.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    totals = json.dumps({"requests": 2, "errors": 0, "latency": {}})
    for number in range(200):
        row = {"pk": partition(("axon", "r1")), "sk": f"task-{number}", "totals": totals}
        item = {name: {"S": text} for name, text in row.items()}
        client.put_item(TableName=table, Item={**item, "at": {"N": "1000"}})
    measurer = Measurer(place, Balancer(place))
    standing = Standing("prod", {}, {"axon": (StandingVersion("r1", {}, "", "", 1),)})
    for _ in range(4):
        assert measurer.of(standing, ["axon"], [REGION])["axon"]["r1"].requests == 400
    left = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "axon#r1"}},
    )["Items"]
    assert [item["sk"]["S"] for item in left] == ["#gone"]
