"""Declared strategies, gates and limits become a course; the stages are in the golden scenarios."""

from __future__ import annotations

from typing import Any

import pytest

from fairway.delivery.course import Course, Gate, Stage
from fairway.delivery.strategies import analysis_policy, course
from fairway.model.app import App
from fairway.model.environments import Environment
from fairway.plan.plan import Move, Plan

MOVED = Move("axon", "r7", "r8", 2, 2)


def a_plan(strategy: dict[str, Any], *moves: Move) -> Plan:
    return Plan(
        app="shop", environment="test", base=7, release_digest="sha256:8", strategy=strategy,
        changes=(), moves=moves or (MOVED,), policy_set=1, base_policy_set=1, fingerprint="",
    )  # fmt: skip


def a_course(
    strategy: dict[str, Any], *moves: Move, emergency: bool = False, **keys: Any
) -> Course:
    declared = Environment.model_validate(keys)
    return course(a_plan(strategy, *moves), declared, emergency=emergency)


CANARY = {"canary": {"steps": [5, 50], "bake": "10s", "mirror": 20}}


def test_a_canary_copies_then_grows_then_serves_everything() -> None:
    assert a_course(CANARY).stages == (
        Stage(0, 10.0, judged=True, mirror=20),
        Stage(5, 10.0, judged=True),
        Stage(50, 10.0, judged=True),
        Stage(100),
    )


def test_until_evidence_holds_for_every_judged_stage() -> None:
    walked = a_course({"canary": {"steps": [5], "until": "evidence", "mirror": 1}})
    assert [stage.evidence for stage in walked.stages] == [True, True, False]


def test_blue_green_is_previewed_then_switched_and_watched() -> None:
    walked = a_course({"blue_green": {"bake": "30s", "preview": "1m"}})
    assert walked.stages == (Stage(0, 60.0), Stage(100, 30.0, judged=True))
    assert a_course({"blue_green": {"bake": "0s"}}).stages == (Stage(100),)


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "parts"),
    [(1, 0, 1, 1), (1, 0, 4, 4), (2, 0, 4, 2), (2, 1, 4, 2), (0, 2, 5, 3), (9, 0, 4, 1)],
)
def test_rolling_takes_as_many_parts_as_fit(
    surge: int, unavailable: int, replicas: int, parts: int
) -> None:
    move = Move("axon", "r7", "r8", replicas, replicas)
    rolling = {"rolling": {"surge": surge, "unavailable": unavailable}}
    stages = a_course(rolling, move).stages
    assert [stage.share for stage in stages] == [k / parts for k in range(1, parts + 1)]
    assert [stage.stop_first for stage in stages] == [surge == 0] * (parts - 1) + [False]


@pytest.mark.parametrize(
    "moves",
    [
        (Move("new", None, "r8", 2),),
        (Move("old", "r7", None, 0, 2),),
        (Move("x", "r7", "r7", 3, 2),),
    ],
    ids=["first", "gone", "scaled"],
)
def test_where_nothing_is_replaced_nothing_is_compared(moves: tuple[Move, ...]) -> None:
    assert a_course(CANARY, *moves).stages == (Stage(100),)


def test_an_emergency_is_one_step_with_nobody_asked() -> None:
    walked = a_course(CANARY, emergency=True, approvals=2)
    assert walked.stages == (Stage(100),)
    assert walked.emergency


def test_what_answers_no_requests_is_not_judged() -> None:
    worker = Move("mailer", "r7", "r8", 1, 1, serves=False)
    assert not any(stage.judged or stage.evidence for stage in a_course(CANARY, worker).stages)
    assert any(stage.judged for stage in a_course(CANARY, worker, MOVED).stages)


def test_gates_windows_and_hooks_are_those_of_the_environment() -> None:
    walked = a_course(
        CANARY,
        approvals={"count": 2, "roles": ["admin"], "timeout": "1h"},
        freezes=[{"from": "2026-12-20", "to": "2026-12-31"}],
        hooks={"pre_shift": [{"name": "smoke", "run": "x"}], "post_deploy": []},
    )
    assert walked.gate == Gate(2, ("admin",), 3600.0)
    assert walked.windows
    assert walked.hooks == {"pre_shift"}


def test_patience_is_the_canarys() -> None:
    canary = {"patience": "5m", "inconclusive": "promote", "sticky": "header:x-user"}
    walked = a_course({"canary": canary})
    assert (walked.patience, walked.inconclusive, walked.sticky) == (
        300.0,
        "promote",
        "header:x-user",
    )
    assert a_course({"rolling": {}}).sticky == "none"


APP = App.model_validate(
    {
        "app": "shop",
        "services": {
            "web": {"run": "x", "intents": {"order": "POST /o"}},
            "api": {"run": "x", "intents": {"one": "GET /1", "two": "GET /2"}},
        },
        "slos": {
            "all": {"service": "web", "availability": 99, "p95": "300ms", "p99": "1s"},
            "orders": {"service": "web", "intent": "order", "availability": 99.9, "p95": "200ms"},
            "part": {"service": "api", "intent": "one", "p95": "1ms"},
        },
        "environments": {
            "prod": {
                "analysis": {
                    "errors": 2,
                    "latency": 15,
                    "minimum": 200,
                    "warm_up": "10s",
                    "metrics": [
                        {"name": "paid", "service": "web", "hits": "a", "total": "b",
                         "worse": "fewer", "margin": 5}
                    ],
                }
            },
            "plain": {},
        },
    }
)  # fmt: skip


def test_what_is_tolerated_becomes_the_tolerance() -> None:
    policy = analysis_policy(APP, "prod", "web")
    assert (policy.error_tolerance, policy.latency_tolerance) == (0.02, 0.15)
    assert (policy.minimum, policy.warm_up) == (200, 10.0)
    assert policy.error_margin < policy.error_tolerance
    assert policy.latency_margin < policy.latency_tolerance


def test_the_strictest_objectives_of_the_service_are_its_limits() -> None:
    limits = analysis_policy(APP, "prod", "web").limits
    assert (limits.availability, limits.p95, limits.p99) == (0.999, 0.2, 1.0)


def test_an_objective_for_one_of_several_intents_limits_nothing() -> None:
    assert analysis_policy(APP, "prod", "api").limits.count == 0


def test_metrics_are_those_of_the_service() -> None:
    (ratio,) = analysis_policy(APP, "prod", "web").ratios
    assert (ratio.name, ratio.worse, ratio.tolerance) == ("paid", "down", 0.05)
    assert analysis_policy(APP, "prod", "api").ratios == ()
    assert len(analysis_policy(APP, "prod").ratios) == 1


def test_nothing_declared_is_the_default() -> None:
    plain = analysis_policy(APP, "plain", "api")
    assert plain.error_tolerance == 0.01
    assert plain.latency_tolerance == 0.3
    assert (plain.error_margin, plain.latency_margin) == pytest.approx((0.001, 0.1))
