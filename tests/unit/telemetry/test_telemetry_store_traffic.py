"""Requests by edge and the runs of a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.telemetry_store import NOW, Store

from fairway.errors import InvalidInput
from fairway.telemetry.entries import RequestEntry
from fairway.telemetry.port import Traffic, TrafficQuery


def request(at: float = 0.0, caller: str = "gateway", **more: object) -> RequestEntry:
    known: dict[str, object] = {
        "service": "orbit", "version": "v1", "intent": "dispatch", "duration": 0.1,
    }  # fmt: skip
    return RequestEntry(NOW + at, caller, **known | more)  # type: ignore[arg-type]


async def ask(store: Store, seconds: float = 100.0, **more: object) -> tuple[Traffic, ...]:
    asked = TrafficQuery(NOW, NOW + seconds, **more)  # type: ignore[arg-type]
    return await store.telemetry.traffic(asked)


async def test_requests_are_counted_by_edge(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.writer.requests([request() for _ in range(8)])
    store.writer.requests([request(error=True), request(denied=True, caller="axon")])
    store.writer.requests([request(counted=False, retried=True, broken=True)])
    store.writer.requests([request(version="v2", duration=1.0)])
    store.writer.flush()
    denied, first, second = await ask(store)
    assert (denied.caller, denied.requests, denied.denied) == ("axon", 1, 1)
    assert (first.version, first.requests, first.errors, first.rate) == ("v1", 9, 1, 0.09)
    assert (first.retried, first.broken) == (1, 1)
    assert first.p50 == pytest.approx(0.1, rel=0.09)
    assert second.p99 == pytest.approx(1.0, rel=0.09)
    (together,) = await ask(store, by=())
    assert (together.requests, together.caller, together.version) == (11, "", "")
    assert [found.requests for found in await ask(store, caller="axon")] == [1]
    assert [found.intent for found in await ask(store, by=("intent",))] == ["dispatch"]
    assert await ask(store, service="nobody") == ()
    store.writer.close()


async def test_steps_and_late_lines(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for at in (1, 11, 12, 25):
        store.writer.requests([request(at)])
        store.writer.flush()
    store.writer.close()
    store = Store(tmp_path)
    store.writer.requests([request(2)])
    store.writer.flush()
    found = await ask(store, seconds=30, step=10.0)
    assert [(one.at - NOW, one.requests, one.rate) for one in found] == [
        (0, 2, 0.2), (10, 2, 0.2), (20, 1, 0.1),
    ]  # fmt: skip
    store.writer.close()


async def test_what_is_old_is_answered_from_coarser_steps(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.writer.requests([request(10), request(400)])
    store.clock.now = NOW + 10 * 86_400
    store.writer.tidy()
    found = await ask(store, seconds=600, step=300.0)
    assert [(one.at - NOW, one.requests) for one in found] == [(0, 1), (300, 1)]
    store.clock.now = NOW + 100 * 86_400
    store.writer.tidy()
    assert await ask(store, seconds=600) == ()
    store.writer.close()


@pytest.mark.parametrize(
    ("begin", "seconds", "step"),
    [(0, 300, None), (157, 300, None), (13, 60, None), (7, 1200, 60.0), (3, 1200, 450.0)],
)
@pytest.mark.parametrize("days", [0, 3])
async def test_a_rate_is_right_wherever_a_stretch_begins(
    tmp_path: Path, days: int, begin: float, seconds: float, step: float | None
) -> None:
    store = Store(tmp_path)
    store.writer.requests([request(each / 2) for each in range(-2000, 6000)])
    store.writer.flush()
    store.clock.now = NOW + 1500 + days * 86_400
    asked = TrafficQuery(NOW + begin, NOW + begin + seconds, step=step)
    found = await store.telemetry.traffic(asked)
    assert found
    assert [each.rate for each in found] == pytest.approx([2.0] * len(found))
    store.writer.close()


async def test_what_is_not_over_yet_makes_no_rate_smaller(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.writer.requests([request(each / 2) for each in range(2 * 64)])
    store.writer.flush()
    store.clock.now = NOW + 64
    (found,) = await store.telemetry.traffic(TrafficQuery(NOW + 4, NOW + 64))
    assert found.rate == pytest.approx(2.0)
    store.writer.close()


@pytest.mark.parametrize("step", [None, 60.0])
async def test_what_lies_before_the_first_run_makes_no_rate_smaller(
    tmp_path: Path, step: float | None
) -> None:
    store = Store(tmp_path, now=NOW + 4)
    store.writer.requests([request(4 + each / 2) for each in range(2 * 60)])
    store.writer.flush()
    store.clock.now = NOW + 64
    found = await store.telemetry.traffic(TrafficQuery(NOW - 836, NOW + 64, step=step))
    assert [each.rate for each in found] == pytest.approx([2.0] * len(found))
    store.writer.close()


async def test_requests_that_are_older_than_the_run_count_from_their_own_time(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    store.writer.requests([request(-100), request(-50)])
    store.writer.flush()
    (found,) = await store.telemetry.traffic(TrafficQuery(NOW - 500, NOW + 10))
    assert found.rate == pytest.approx(2 / 110)
    store.writer.close()


async def test_runs_are_kept_apart(tmp_path: Path) -> None:
    for run in (1, 2):
        store = Store(tmp_path, run=run)
        store.writer.requests([request() for _ in range(run)])
        store.writer.close()
    assert [found.requests for found in await ask(store)] == [3]
    assert [found.requests for found in await ask(store, run=1)] == [1]


async def test_no_time_is_no_question(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for more in ({"seconds": 0.0}, {"step": 0.0}):
        with pytest.raises(InvalidInput):
            await ask(store, **more)
    store.writer.close()
