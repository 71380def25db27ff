"""The order of replacements: at no stage does a route name a cluster that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway_runtime.agent.confirming import (
    Verdict,
    reason_in_log,
    statistics_prefix,
    verdict,
)
from fairway_runtime.agent.files import (
    response,
)
from fairway_runtime.agent.rollout import Stage, endpoints, stages

Json = dict[str, Any]


def files(versions: dict[str, list[int]]) -> dict[str, Json]:
    """A made-up Envoy with a cluster, endpoints and a route per version."""
    clusters = [{"name": f"replicas.{v}", "type": "EDS"} for v in versions]
    routes = [{"cluster": f"replicas.{v}"} for v in versions]
    return {
        "bootstrap.json": {"node": {}},
        "lds.json": response([{"name": "inbound"}]),
        "cds.json": response(clusters),
        "rds.inbound.json": response([{"routes": routes}]),
        **{f"eds.replicas.{v}.json": assignment(v, ports) for v, ports in versions.items()},
    }


def assignment(version: str, ports: list[int]) -> Json:
    hosts = [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": p}}}}
        for p in ports
    ]
    groups = [{"lb_endpoints": hosts}] if hosts else []
    return response([{"cluster_name": f"replicas.{version}", "endpoints": groups}])


def played(old: dict[str, Json], way: tuple[Stage, ...]) -> list[dict[str, Json]]:
    """What is on disk after every single replacement and removal."""
    seen, now = [], dict(old)
    for stage in way:
        for name, file in stage.writes.items():
            now = {**now, name: file}
            seen.append(now)
        now = {name: file for name, file in now.items() if name not in stage.removes}
        seen.append(now)
    return seen


Versions = st.dictionaries(
    st.sampled_from(["r1", "r2", "r3"]),
    st.lists(st.integers(1, 9), unique=True, max_size=3),
    min_size=1,
)


@given(Versions, Versions)
def test_every_step_is_whole_and_the_last_is_the_new(
    old: dict[str, list[int]], new: dict[str, list[int]]
) -> None:
    before, after = files(old), files(new)
    steps = played(before, stages(before, after))
    for step in steps:
        known = {cluster["name"] for cluster in step["cds.json"]["resources"]}
        named = {r["cluster"] for r in step["rds.inbound.json"]["resources"][0]["routes"]}
        assert named <= known
        assert all(f"eds.{name}.json" in step for name in known)
    assert (steps[-1] if steps else before) == after


@given(Versions, Versions)
def test_a_replaced_replica_stays_until_the_switch(
    old: dict[str, list[int]], new: dict[str, list[int]]
) -> None:
    before, after = files(old), files(new)
    way = stages(before, after)
    for version in old.keys() & new.keys():
        coming, going = set(new[version]) - set(old[version]), set(old[version]) - set(new[version])
        if coming and going:
            first = way[0].writes[f"eds.replicas.{version}.json"]
            assert endpoints(first) == set(old[version]) | set(new[version])


def test_nothing_changed_is_nothing_to_do() -> None:
    assert stages(files({"r1": [1]}), files({"r1": [1]})) == ()


def test_weights_alone_are_one_file() -> None:
    old = files({"r1": [1]})
    new = {**old, "rds.inbound.json": response([{"routes": [{"cluster": "replicas.r1"}] * 2}])}
    way = stages(old, new)
    assert [list(stage.writes) for stage in way] == [["rds.inbound.json"]]


@pytest.mark.parametrize(
    ("file", "prefix"),
    [
        ("cds.json", "cluster_manager.cds"),
        ("lds.json", "listener_manager.lds"),
        ("rds.inbound.json", "http.inbound.rds.inbound"),
        ("eds.replicas.r1.2.json", "cluster.replicas.r1.2"),
        ("sds.identity.json", "sds.identity"),
    ],
)
def test_where_envoy_counts_a_file(file: str, prefix: str) -> None:
    assert statistics_prefix(file) == prefix


def test_a_file_is_pending_then_taken_or_rejected() -> None:
    wanted = {"cds.json": {"version_info": "v2", "resources": []}}
    old = {"cluster_manager.cds.version_text": "v1", "cluster_manager.cds.update_rejected": 3}
    assert verdict(wanted, old, old) == Verdict((), ("cds.json",), False)
    taken = {**old, "cluster_manager.cds.version_text": "v2"}
    assert verdict(wanted, old, taken).taken
    assert not verdict(wanted, old, {**taken, "cluster_manager.warming_clusters": 1}).taken
    for counter in ("update_rejected", "update_failure"):
        refused = {**old, f"cluster_manager.cds.{counter}": 4}
        assert verdict(wanted, old, refused).rejected == ("cds.json",)


LOG = """[2026-11-21 03:34:50.361][1][warning][config] Filesystem config update rejected: \
goo.gle/debugproto
name: "egress"
private_key { inline_string: "SECRET" }
: Proto constraint validation failed (Domains: value must contain at least 1 item(s))
[2026-11-21 03:34:50.362][1][warning][main] something else
"""


def test_the_reason_is_found_without_the_dumped_message() -> None:
    reason = reason_in_log(LOG)
    assert reason == (
        "Proto constraint validation failed (Domains: value must contain at least 1 item(s))"
    )
    early = "[2026-11-21 03:34:50.361][1] Filesystem config update rejected: Bad: goo.gle/debugonly"
    assert reason_in_log(early + "\nseconds: -1\n") == "Bad"
    unreadable = "[2026-11-21 03:34:50.361][1] Filesystem config update failure: in x, no JSON"
    assert reason_in_log(unreadable) == "in x, no JSON"
    assert reason_in_log("") == "no reason in its log"
