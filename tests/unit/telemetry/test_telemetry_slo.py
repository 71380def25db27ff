"""Error budgets and burn rates of requests that are known, and what is said of them."""

from __future__ import annotations

import pytest

from fairway.telemetry.config import Objective
from fairway.telemetry.histograms import step_bounds, step_of
from fairway.telemetry.port import SloStatus
from fairway.telemetry.slo import RULES, Counted, looks_back, promises, statuses, windows
from fairway.telemetry.slo_alerts import QUIET, Burning, follow

HOUR, DAY = 3_600.0, 86_400.0
NOW = 1_800_000_000.0
ORDERS = Objective("orders", "web", "order", availability=99.9)


def counted(ago: float, requests: int, errors: int = 0, **more: object) -> Counted:
    """Requests that came within the 10 seconds up to `ago` seconds before now."""
    known: dict[str, object] = {"service": "web", "intent": "order"}
    return Counted(NOW - ago - 10, 10, requests=requests, errors=errors, **known | more)  # type: ignore[arg-type]


def judged(*entries: Counted, slo: Objective = ORDERS) -> SloStatus:
    (status,) = statuses(promises([slo]), entries, NOW)
    return status


def test_the_windows_of_a_month_are_those_of_the_book() -> None:
    assert [windows(30 * DAY, rule) for rule in RULES] == [
        (HOUR, 300),
        (6 * HOUR, 1_800),
        (3 * DAY, 6 * HOUR),
    ]


def test_the_windows_of_an_hour_are_long_enough_to_count_something() -> None:
    assert [windows(HOUR, rule) for rule in RULES] == [(60, 10), (60, 10), (360, 30)]
    assert windows(30.0, RULES[0]) == (30, 10)


def test_each_promise_of_an_slo_is_judged_by_itself() -> None:
    slo = Objective("fast", "web", p95=0.2, p99=0.5, availability=99.5, window=DAY)
    found = promises([slo, Objective("early", "web", availability=99)])
    assert [(each.name, each.kind, each.objective, each.threshold) for each in found] == [
        ("early", "availability", 0.99, None),
        ("fast", "availability", 0.995, None),
        ("fast", "latency", 0.95, 0.2),
        ("fast", "latency", 0.99, 0.5),
    ]
    assert looks_back(found) == 30 * DAY
    assert looks_back(()) == 0


def test_half_the_errors_that_are_allowed_leave_half_the_budget() -> None:
    status = judged(counted(10 * DAY, 2_000, 1))
    assert status.requests == 2_000
    assert status.bad == 1
    assert status.budget_left == pytest.approx(0.5)
    assert status.alert == ""
    assert status.words == (
        "0.05 % of 2000 requests in 30 d failed (99.9 % promised to succeed); "
        "50 % of the error budget is left"
    )


def test_without_requests_the_budget_is_whole() -> None:
    status = judged()
    assert (status.requests, status.budget_left, status.alert) == (0, 1.0, "")
    assert {each.rate for each in status.burn} == {0.0}
    assert status.words == "no request in 30 d: the error budget is whole"


def test_what_is_older_than_the_window_or_in_the_future_does_not_count() -> None:
    assert judged(counted(30 * DAY, 50, 50), counted(-100, 50, 50)).requests == 0
    assert judged(counted(30 * DAY - 1, 50, 50)).requests == 50


def test_only_the_intent_that_is_named_counts_and_all_of_them_where_none_is() -> None:
    other = counted(5, 10, 10, intent="list")
    elsewhere = counted(5, 10, 10, service="shop")
    assert judged(counted(5, 7), other, elsewhere).requests == 7
    every = Objective("web", "web", availability=99.9)
    assert judged(counted(5, 7), other, elsewhere, slo=every).requests == 17


def test_denied_requests_neither_use_the_budget_nor_hide_what_fails() -> None:
    status = judged(counted(5, 1_010, 10, denied=1_000))
    assert (status.requests, status.bad) == (10, 10)


def test_answers_slower_than_the_threshold_are_bad() -> None:
    fast, slow = step_of(0.15), step_of(0.26)
    slo = Objective("quick", "web", p95=0.2)
    status = judged(counted(5, 100, latency={fast: 90, slow: 10}), slo=slo)
    assert (status.kind, status.bad, status.threshold) == ("latency", 10, 0.2)
    assert status.budget_left == pytest.approx(-1.0)
    assert "10 % of 100 requests in 3 d took longer than 200ms" in status.words


def test_answers_about_as_slow_as_the_threshold_are_split_where_it_cuts_their_bucket() -> None:
    lower, upper = step_bounds(step_of(0.2))
    middle = Objective("quick", "web", p95=(lower + upper) / 2)
    assert judged(counted(5, 100, latency={step_of(0.2): 100}), slo=middle).bad == 50
    whole = Objective("quick", "web", p95=upper)
    assert judged(counted(5, 100, latency={step_of(0.2): 100}), slo=whole).bad == 0


def test_a_fast_burn_is_critical_and_told_with_what_is_left() -> None:
    calm = counted(20 * DAY, 1_000_000)
    status = judged(calm, counted(60, 1_000, 20))
    assert status.alert == "critical"
    assert status.words == (
        "2 % of 1000 requests in 1 h failed (99.9 % promised to succeed), 20 times what is "
        "allowed; 98 % of the error budget is left, at this rate for 35.3 h"
    )


def test_a_burn_that_is_over_wakes_nobody_and_is_forgotten_after_hours() -> None:
    calm = counted(60, 50)
    assert judged(counted(40 * 60, 1_000, 20), calm).alert == "warning"
    assert judged(counted(7 * HOUR, 1_000, 20), calm).alert == ""


def test_a_slow_burn_is_a_warning() -> None:
    steady = [counted(hour * HOUR, 1_000, 2) for hour in range(72)]
    assert judged(*steady).alert == "warning"


def test_one_failure_of_a_few_requests_alerts_nobody() -> None:
    status = judged(counted(30, 5, 2))
    assert status.alert == ""
    assert status.budget_left < 0
    assert status.words.endswith("the error budget is used up")
    assert judged(counted(30, 5, 3)).alert == "critical"


@pytest.mark.parametrize("availability", [99.99, 95, 90, 50, 10, 1])
def test_an_outage_is_critical_however_little_is_promised(availability: float) -> None:
    slo = Objective("orders", "web", availability=availability)
    assert judged(counted(30, 40, 40), slo=slo).alert == "critical"


FINE, BAD = judged(counted(30, 100)), judged(counted(30, 100, 50))
KEY = ("orders", "availability", 0.999)


def test_an_alert_is_told_once_and_its_end_after_a_quiet_minute() -> None:
    burning, told = follow({}, [BAD], 100.0)
    assert [(change.kind, change.severity) for change in told] == [("burning", "critical")]
    burning, told = follow(burning, [BAD], 102.0)
    assert told == ()
    burning, told = follow(burning, [FINE], 102.0 + QUIET - 1)
    assert (told, burning) == ((), {KEY: Burning("critical", 100.0, 102.0)})
    burning, told = follow(burning, [FINE], 102.0 + QUIET)
    assert [(change.kind, change.since) for change in told] == [("recovered", 100.0)]
    assert burning == {}


def test_an_alert_that_gets_worse_is_told_again_and_one_that_gets_better_is_not() -> None:
    warned = {KEY: Burning("warning", 1.0, 2.0)}
    burning, told = follow(warned, [BAD], 3.0)
    assert [change.severity for change in told] == ["critical"]
    milder = judged(*(counted(hour * HOUR, 1_000, 2) for hour in range(72)))
    assert follow(burning, [milder], 4.0) == ({KEY: Burning("critical", 1.0, 4.0)}, ())


def test_an_objective_that_is_declared_no_longer_is_forgotten() -> None:
    assert follow({KEY: Burning("critical", 1.0, 2.0)}, [], 500.0) == ({}, ())
