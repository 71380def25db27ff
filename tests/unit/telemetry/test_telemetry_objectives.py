"""Objectives from a real store: what the writer counted is what the promise is judged by."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.telemetry.config import Address, Objective, ReceiverConfig
from fairway.telemetry.entries import RequestEntry
from fairway.telemetry.port import SloStatus
from fairway.telemetry.store.files import Files
from fairway.telemetry.store.layout import rollups_file
from fairway.telemetry.store.objective_reading import Objectives
from fairway.telemetry.store.reading import StoredTelemetry
from fairway.telemetry.store.rollups import RollupsWriter

NOW = 1_800_000_123.0
HOUR, DAY = 3_600.0, 86_400.0
ORDERS = (Objective("orders", "web", "order", availability=99, p95=0.2),)


class Store:
    """A store that requests are written to and objectives are read from."""

    def __init__(self, folder: Path) -> None:
        self.writer = RollupsWriter(rollups_file(folder), 1, NOW - 40 * DAY)
        self.objectives = Objectives(Files(folder))

    def write(self, ago: float, count: int, *, error: bool = False, **more: object) -> None:
        known: dict[str, object] = {
            "caller": "gateway", "service": "web", "version": "r1", "intent": "order",
            "duration": 0.05, "error": error,
        }  # fmt: skip
        entry = RequestEntry(NOW - ago, **known | more)  # type: ignore[arg-type]
        self.writer.add([entry] * count)
        self.writer.flush()

    def judged(self, now: float = NOW) -> tuple[SloStatus, ...]:
        return self.objectives.statuses(ORDERS, now)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_without_a_store_nothing_was_asked_and_nothing_broken(tmp_path: Path) -> None:
    objectives = Objectives(Files(tmp_path))
    assert [each.requests for each in objectives.statuses(ORDERS, NOW)] == [0, 0]
    assert objectives.statuses((), NOW) == ()


def test_requests_of_all_callers_versions_and_ages_count_once(store: Store) -> None:
    ages = (5.0, 30.0, 50 * 60, 70 * 60, 6.5 * HOUR, 8 * HOUR, 3 * DAY, 29 * DAY)
    for place, ago in enumerate(ages):
        store.write(ago, 10, caller=f"c{place % 3}", version=f"r{place % 2}")
    store.write(10, 4, service="axon")
    store.write(10, 4, intent="list")
    store.write(31 * DAY + HOUR, 5, error=True)
    available, fast = store.judged()
    assert (available.requests, available.bad) == (80, 0)
    assert (fast.requests, fast.bad, fast.threshold) == (80, 0, 0.2)


def test_what_is_remembered_of_old_hours_moves_out_of_the_window(store: Store) -> None:
    store.write(30 * DAY - 30 * 60, 10, error=True)
    store.write(9 * HOUR, 10)
    assert (store.judged()[0].requests, store.judged()[0].bad) == (20, 10)
    later = store.judged(NOW + 2 * HOUR)[0]
    assert (later.requests, later.bad) == (10, 0)
    store.write(-2 * HOUR, 5)
    assert store.judged(NOW + 2 * HOUR)[0].requests == 15


def test_slow_and_failed_answers_of_the_last_minutes_burn(store: Store) -> None:
    store.write(3 * HOUR, 1_000)
    store.write(60, 50, duration=0.9)
    store.write(60, 30, error=True)
    available, fast = store.judged()
    assert (available.alert, available.bad) == ("critical", 30)
    assert (fast.alert, fast.bad) == ("", 50)
    assert {each.window: round(each.rate, 2) for each in fast.burn}[300] == 12.5


def test_old_hours_are_read_once(store: Store) -> None:
    store.write(2 * DAY, 100, error=True)
    store.write(60, 100)
    assert store.judged()[0].bad == 100
    store.writer.tidy(NOW + 100 * DAY)  # nothing is in the file any more
    assert (store.judged()[0].requests, store.judged()[0].bad) == (100, 100)


async def test_the_objectives_that_the_receiver_was_told_are_answered(
    store: Store, tmp_path: Path
) -> None:
    store.write(60, 100)
    telemetry = StoredTelemetry(tmp_path, lambda: NOW)
    assert await telemetry.slos() == ()
    here = Address("127.0.0.1", 1)
    config = ReceiverConfig(
        "shop", "local", here, here, tmp_path, tmp_path, tmp_path, 1, NOW, slos=ORDERS
    )
    (tmp_path / "receiver.json").write_text(config.to_json())
    assert [(each.kind, each.requests) for each in await telemetry.slos()] == [
        ("availability", 100),
        ("latency", 100),
    ]
