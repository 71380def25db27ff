"""What a service may do on AWS: what it declares, and nothing of anybody else."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.errors import NotFound
from fairway.model.app import App
from fairway.targets.aws.grants.derive import grants_of, starting_grants_of
from fairway.targets.aws.grants.grant import LEFT_TO_AWS, SHARED, Grant, ResourceKind
from fairway.targets.aws.names import GATEWAY, SIDECAR_REPOSITORY

REGION = "eu-central-1"
STORES = {
    "main": {"kind": "postgres"},
    "fast": {"kind": "valkey"},
    "files": {"kind": "bucket"},
    "items": {"kind": "dynamodb"},
}


def app(**services: Any) -> App:
    return App.model_validate(
        {
            "app": "shop",
            "services": services or {"orbit": {"run": "x"}},
            "stores": STORES,
            "topics": {"orders": {}, "bills": {}},
            "environments": {"prod": {"target": "aws-ecs", "regions": [REGION]}},
        }
    )


def granted(made: App, service: str = "orbit") -> tuple[Grant, ...]:
    return grants_of(made, "prod", REGION, service)


def outside_the_mesh(made: App) -> App:
    prod = made.environments["prod"]
    aws = prod.aws.model_copy(update={"outside_mesh": ("orbit",)})
    return made.model_copy(update={"environments": {"prod": prod.model_copy(update={"aws": aws})}})


def on(grants: tuple[Grant, ...], kind: ResourceKind) -> dict[str, tuple[str, ...]]:
    return {g.resource.name: g.actions for g in grants if g.resource.kind == kind}


def test_a_service_that_declares_nothing_can_be_in_the_mesh_and_be_observed() -> None:
    assert [g.sid for g in granted(app())] == [
        "ReadMesh",
        "ReadHandouts",
        "ReadConfiguration",
        "ObtainIdentity",
        "ReportTelemetry",
        "ReportEncrypted",
        "SendMetrics",
        "SendTraces",
        "WriteLogs",
    ]


def test_its_reports_bear_its_own_name() -> None:
    (report,) = (g for g in granted(app()) if g.sid == "ReportTelemetry")
    assert [(c.test, c.variable, c.values) for c in report.conditions] == [
        ("ForAllValues:StringLike", "dynamodb:LeadingKeys", ("orbit#*",))
    ]


def test_secrets_come_with_the_key_of_the_service() -> None:
    grants = granted(app(orbit={"run": "x", "secrets": ["MODEL_KEY"]}))
    assert set(on(grants, "secret")) == {"orbit/MODEL_KEY"}
    assert set(on(grants, "key")) == {SHARED, "orbit"}
    assert not on(granted(app(orbit={"run": "x"})), "secret")


def test_stores_by_their_kinds() -> None:
    grants = granted(app(orbit={"run": "x", "stores": list(STORES)}))
    assert on(grants, "database-user") == {"main.orbit": ("rds-db:connect",)}
    assert set(on(grants, "cache")) | set(on(grants, "cache-user")) == {"fast", "fast.orbit"}
    assert "dynamodb:PutItem" in on(grants, "table")["items"]
    assert on(grants, "bucket") == {"files": ("s3:ListBucket",)}
    assert "s3:PutObject" in on(grants, "bucket-objects")["files"]


def test_publishing_and_subscribing_are_different_permissions() -> None:
    grants = granted(app(orbit={"run": "x", "publishes": ["orders"], "subscribes": ["bills"]}))
    assert on(grants, "bus") == {SHARED: ("events:PutEvents",)}
    assert set(on(grants, "queue")) == {"bills.orbit"}


def test_a_publisher_puts_events_of_its_topics_as_itself() -> None:
    grants = granted(app(orbit={"run": "x", "publishes": ["orders", "bills"]}))
    conditions = [
        {each.variable: each.values for each in grant.conditions}
        for grant in grants
        if grant.resource.kind == "bus"
    ]
    assert conditions == [
        {"events:source": ("shop-prod.orbit",), "events:detail-type": ("orders",)},
        {"events:source": ("shop-prod.orbit",), "events:detail-type": ("bills",)},
    ]


def test_outside_the_mesh_nothing_of_the_mesh_is_granted() -> None:
    kinds = {g.resource.kind for g in granted(outside_the_mesh(app()))}
    assert not kinds & {"mesh", "handouts", "identity", "telemetry", "key"}


def test_a_static_site_may_nothing_and_the_gateway_has_its_own() -> None:
    made = app(site={"kind": "static", "root": "www"}, orbit={"run": "x"})
    assert granted(made, "site") == starting_grants_of(made, "prod", REGION, "site") == ()
    assert set(on(granted(made, GATEWAY), "identity")) == {GATEWAY}


def started(made: App, service: str = "orbit") -> tuple[Grant, ...]:
    return starting_grants_of(made, "prod", REGION, service)


def test_a_task_is_started_from_images_that_exist() -> None:
    made = app(orbit={"run": "x"}, bought={"image": "nginx"})
    assert set(on(started(made), "repository")) == {"orbit", SIDECAR_REPOSITORY}
    assert set(on(started(made, "bought"), "repository")) == {SIDECAR_REPOSITORY}
    assert set(on(started(made, GATEWAY), "repository")) == {SIDECAR_REPOSITORY}
    assert set(on(started(outside_the_mesh(made)), "repository")) == {"orbit"}


def test_ecs_reads_the_secrets_that_it_puts_into_an_environment() -> None:
    declared = {"run": "x", "secrets": ["MODEL_KEY"]}
    assert set(on(started(app(orbit=declared)), "secret")) == {"orbit/MODEL_KEY"}
    with_library = app(orbit={**declared, "library": True})
    assert not on(started(with_library), "secret") and not on(started(with_library), "key")
    assert set(on(started(outside_the_mesh(with_library)), "key")) == {"orbit"}
    assert not on(started(app()), "key")


def test_an_unknown_service_is_not_found() -> None:
    with pytest.raises(NotFound, match="orbi"):
        granted(app(), "orbi")


NAMES = st.sampled_from(["orbit", "axon", "orbit-x"])
DECLARED = st.fixed_dictionaries(
    {"run": st.just("x")},
    optional={
        "secrets": st.lists(st.sampled_from(["A", "A_B", "AB", "B_1"]), unique=True),
        "stores": st.lists(st.sampled_from(list(STORES)), unique=True),
        "publishes": st.lists(st.sampled_from(["orders", "bills"]), unique=True),
        "subscribes": st.lists(st.sampled_from(["orders", "bills"]), unique=True),
    },
)


@given(st.dictionaries(NAMES, DECLARED, min_size=1))
def test_no_service_is_granted_what_another_one_owns(services: dict[str, Any]) -> None:
    made = app(**services)
    for name, declared in services.items():
        grants = (*granted(made, name), *starting_grants_of(made, "prod", REGION, name))
        allowed = {
            name,
            SHARED,
            "*",
            SIDECAR_REPOSITORY,
            *declared.get("stores", ()),
            *(f"{name}/{secret}" for secret in declared.get("secrets", ())),
            *(f"{store}.{name}" for store in declared.get("stores", ())),
            *(f"{topic}.{name}" for topic in declared.get("subscribes", ())),
        }
        assert {g.resource.name for g in grants} <= allowed


@given(st.dictionaries(NAMES, DECLARED, min_size=1))
def test_every_statement_is_exact_and_explained(services: dict[str, Any]) -> None:
    made = app(**services)
    for name in services:
        grants = granted(made, name)
        assert len({g.sid for g in grants}) == len(grants)
        for grant in grants:
            assert grant.sid.isalnum()
            assert grant.reason
            assert grant.resource.kind in get_args(ResourceKind)
            assert not any("*" in action for action in grant.actions)
            if grant.resource.kind == "any":
                assert set(grant.actions) <= LEFT_TO_AWS


def test_who_has_no_policies_beside_it_may_ask_for_decisions() -> None:
    assert on(granted(outside_the_mesh(app())), "governance") == {
        SHARED: ("lambda:InvokeFunction",)
    }
    assert not on(granted(app()), "governance")
