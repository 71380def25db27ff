"""Properties of error budgets: nothing counts twice, worse never looks better, alerts end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.telemetry.config import Objective
from fairway.telemetry.histograms import step_of
from fairway.telemetry.port import SloStatus
from fairway.telemetry.slo import Counted, Severity, promises, statuses
from fairway.telemetry.slo_alerts import Burning, Key, follow

NOW = 1_000_000.0
RANK = {"": 0, "warning": 1, "critical": 2}

slos = st.builds(
    Objective,
    st.just("slo"), st.just("web"), st.sampled_from([None, "order"]),
    availability=st.floats(1, 99.999), p95=st.floats(0.001, 5), p99=st.floats(0.001, 5),
    window=st.sampled_from([5.0, 600.0, 3_600.0, 86_400.0, 30 * 86_400.0]),
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn) -> Counted:
    requests = draw(st.integers(0, 1_000))
    denied = draw(st.integers(0, requests))
    errors = draw(st.integers(0, requests - denied))
    slow = draw(st.integers(0, requests))
    step = draw(st.sampled_from([10.0, 300.0]))
    at = NOW - draw(st.floats(0, 40 * 86_400))
    latency = {-100: requests - slow, draw(st.integers(-99, 20)): slow}
    intent = draw(st.sampled_from(["order", "list", ""]))
    return Counted(at, step, "web", intent, requests, errors, denied, latency)


some = st.lists(entries(), max_size=12)


def judged(slo: Objective, counted: list[Counted]) -> tuple[SloStatus, ...]:
    return statuses(promises([slo]), counted, NOW)


@given(slos, some)
def test_figures_are_possible(slo: Objective, counted: list[Counted]) -> None:
    for status in judged(slo, counted):
        assert 0 <= status.bad <= status.requests <= sum(each.requests for each in counted)
        assert status.budget_left <= 1
        assert [each.window for each in status.burn] == sorted({e.window for e in status.burn})
        for burn in status.burn:
            assert 0 <= burn.rate <= 1 / (1 - status.objective) * 1.000001
            assert burn.window <= status.window
        assert status.words


@given(slos, some)
def test_the_budget_is_used_as_fast_as_it_burns_over_the_whole_window(
    slo: Objective, counted: list[Counted]
) -> None:
    for status in judged(slo, counted):
        allowed = (1 - status.objective) * status.requests
        assert status.budget_left * allowed == pytest.approx(allowed - status.bad, abs=1e-6)


@given(slos, some, st.randoms(use_true_random=False))
def test_order_does_not_matter(slo: Objective, counted: list[Counted], chance: object) -> None:
    shuffled = list(counted)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judged(slo, shuffled) == judged(slo, counted)


@given(slos, entries(), st.integers(1, 5), st.data())
def test_how_finely_requests_of_one_time_are_counted_does_not_matter(
    slo: Objective, entry: Counted, parts: int, data: st.DataObject
) -> None:
    """As callers and versions are counted apart."""
    pieces = [Counted(entry.at, entry.step, "web", entry.intent, 0, 0) for _ in range(parts)]
    for bucket, count in entry.latency.items():
        index = data.draw(st.integers(0, parts - 1))
        piece = pieces[index]
        latency = {**piece.latency, bucket: piece.latency.get(bucket, 0) + count}
        pieces[index] = replace(piece, requests=piece.requests + count, latency=latency)
    whole = replace(entry, errors=0, denied=0)
    assert judged(slo, pieces) == judged(slo, [whole])


@given(slos, some, st.data())
def test_more_bad_requests_never_look_better(
    slo: Objective, counted: list[Counted], data: st.DataObject
) -> None:
    if not counted:
        return
    index = data.draw(st.integers(0, len(counted) - 1))
    entry = counted[index]
    most = entry.requests - entry.denied
    slowest = {step_of(6): sum(entry.latency.values())}
    worse = replace(entry, errors=data.draw(st.integers(entry.errors, most)), latency=slowest)
    changed = [*counted[:index], worse, *counted[index + 1 :]]
    for before, after in zip(judged(slo, counted), judged(slo, changed), strict=True):
        assert after.budget_left <= before.budget_left
        assert RANK[after.alert] >= RANK[before.alert]


@given(slos, some)
def test_who_answers_everything_in_time_is_never_alerted(
    slo: Objective, counted: list[Counted]
) -> None:
    good = [replace(each, errors=0, latency={-200: each.requests}) for each in counted]
    for status in judged(slo, good):
        assert (status.bad, status.budget_left, status.alert) == (0, 1.0, "")


@given(slos, some)
def test_an_outage_is_always_critical(slo: Objective, counted: list[Counted]) -> None:
    """Enough requests in the shortest windows, and every one of them failed."""
    down = Counted(NOW - 5, 10, "web", "order", 10_000_000, 10_000_000)
    status = judged(replace(slo, p95=None, p99=None), [*counted, down])[0]
    assert status.alert == "critical"


alerts: st.SearchStrategy[list[tuple[float, Severity | None]]] = st.lists(
    st.tuples(st.floats(0.1, 90), st.sampled_from([None, "warning", "critical"])), max_size=40
)


@given(alerts)
def test_alerts_begin_before_they_end_and_are_repeated_only_when_worse(
    looks: list[tuple[float, Severity | None]],
) -> None:
    base = judged(Objective("slo", "web", availability=99), [])[0]
    before: Mapping[Key, Burning] = {}
    now, standing = 0.0, 0
    for passed, alert in looks:
        now += passed
        before, changes = follow(before, [replace(base, alert=alert or "")], now)
        for change in changes:
            if change.kind == "burning":
                assert RANK[change.severity] > standing
                standing = RANK[change.severity]
            else:
                assert standing
                assert not alert
                standing = 0
        assert bool(before) == bool(standing)
        assert not (alert and not standing)
