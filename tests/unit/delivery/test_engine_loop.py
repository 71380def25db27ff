"""The rounds of a deployment, with a journal and a target that fail where the test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.delivery_support import NOW, content, deployment

from fairway.delivery.codec import encode
from fairway.delivery.course import Course, Stage
from fairway.delivery.deployment import Deployment, Effect
from fairway.delivery.engine.loop import Delivery
from fairway.delivery.engine.perform import LeaseLost
from fairway.delivery.happenings import Done, Happening, Judged, Told
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.store.deployments import Kept
from fairway.delivery.store.leases import Lease
from fairway.errors import Unavailable
from fairway.storage.opening import open_database
from fairway.targets.contract import Fence

WHOLE = ("begin", "check_plan", "apply", "govern", "shift", "retire", "settle")


@dataclass
class MemoryJournal:
    """What was recorded; it survives as long as the test keeps it."""

    outcomes: list[tuple[str, str]] = field(default_factory=list)
    next: int = 0

    def skip(self, steps: int) -> None:
        self.next += steps

    def once(self, name: str, act: Callable[[], str]) -> str:
        if self.next == len(self.outcomes):
            self.outcomes.append((name, act()))
        recorded, outcome = self.outcomes[self.next]
        assert recorded == name
        self.next += 1
        return outcome


class Hands:
    """A worker that does everything at once, unless told otherwise for a step."""

    def __init__(self, store: DeliveryStore) -> None:
        self.store = store
        self.performed: list[str] = []
        self.instead: dict[str, Callable[[], Happening]] = {}
        self.turn: Callable[[Deployment], Lease | Told] = self._taken
        self.pauses = 0
        self.given_back: list[Lease] = []

    def perform(self, deployment: Deployment, fence: Fence) -> Happening:
        assert deployment.effect is not None
        step = deployment.effect.step
        self.performed.append(step)
        return self.instead.get(step, lambda: Done(NOW))()

    def take_turn(self, deployment: Deployment) -> Lease | Told:
        return self.turn(deployment)

    def _taken(self, deployment: Deployment) -> Lease:
        lease = self.store.leases.take("prod", deployment.id, "here", now=NOW, seconds=10)
        assert lease is not None
        return lease

    def give_back(self, lease: Lease) -> None:
        self.given_back.append(lease)

    def pause(self) -> None:
        self.pauses += 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DeliveryStore]:
    database = open_database(tmp_path / "environment.db")
    made = DeliveryStore(database)
    for _ in range(2):
        made.releases.keep(content(), by="ada", at=NOW)
    made.deployments.open(replace(deployment("d2"), course=Course((Stage(100),))))
    yield made
    database.close()


@pytest.fixture
def hands(store: DeliveryStore) -> Hands:
    return Hands(store)


def run(hands: Hands, journal: MemoryJournal) -> str:
    return Delivery("d2", hands, journal).run()


def resumed(journal: MemoryJournal) -> MemoryJournal:
    return MemoryJournal(journal.outcomes)


def test_each_effect_is_performed_recorded_and_saved_in_its_turn(hands: Hands) -> None:
    journal = MemoryJournal()
    assert run(hands, journal) == "succeeded"
    assert tuple(hands.performed) == WHOLE
    assert tuple(name for name, _ in journal.outcomes) == WHOLE
    assert hands.store.deployments.kept("d2").revision == len(WHOLE)
    assert len(hands.given_back) == 1


def test_a_recorded_outcome_is_told_again_and_not_sought_again(hands: Hands) -> None:
    journal = MemoryJournal([("begin", encode(Done(NOW)))])
    assert run(hands, journal) == "succeeded"
    assert tuple(hands.performed) == WHOLE[1:]


def test_a_resumed_deployment_begins_where_it_was_saved(hands: Hands) -> None:
    saved = replace(
        hands.store.deployments.get("d2"), status="planning", effect=Effect("check_plan")
    )
    hands.store.deployments.save(Kept(saved, 1), (), fence=Fence("d2", 0), at=NOW)
    journal = MemoryJournal([("begin", "what an older Fairway recorded is not even read")])
    assert run(hands, journal) == "succeeded"
    assert tuple(hands.performed) == WHOLE[1:]


def test_what_is_no_outcome_is_not_recorded(hands: Hands) -> None:
    def lost() -> Happening:
        raise LeaseLost

    def broken() -> Happening:
        raise Unavailable("database", "it does not answer")

    journal = MemoryJournal()
    for interruption in (lost, broken):
        hands.instead["apply"] = interruption
        with pytest.raises(LeaseLost):
            run(hands, journal)
        assert [name for name, _ in journal.outcomes] == ["begin", "check_plan"]
        journal = resumed(journal)
    del hands.instead["apply"]
    assert run(hands, journal) == "succeeded"
    assert len(hands.given_back) == 3


def test_an_answer_to_another_question_is_a_failure_with_an_end(hands: Hands) -> None:
    hands.instead["apply"] = lambda: Judged(NOW, "pass", "fine")
    assert run(hands, MemoryJournal()) == "rolled_back"
    assert "a defect" in hands.store.deployments.get("d2").reason


def test_whoever_was_overtaken_stops_without_a_word(hands: Hands) -> None:
    def overtaken() -> Happening:
        hands.store.leases.take("prod", "d2", "elsewhere", now=NOW + 60, seconds=10)
        return Done(NOW)

    hands.instead["shift"] = overtaken
    with pytest.raises(LeaseLost):
        run(hands, MemoryJournal())
    effect = hands.store.deployments.get("d2").effect
    assert effect is not None
    assert effect.step == "shift"


def test_one_that_ends_while_it_queues_needs_no_lease(hands: Hands) -> None:
    hands.turn = lambda _deployment: Told(NOW, "abort", "bob", "", 1)
    assert run(hands, MemoryJournal()) == "cancelled"
    assert (hands.performed, hands.given_back) == ([], [])


def test_a_database_that_is_away_for_a_moment_is_waited_for(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, failures = hands.store.deployments.save, [1, 1, 1]

    def failing(*arguments: object, **options: object) -> None:
        if failures:
            failures.pop()
            raise Unavailable("database", "it does not answer")
        save(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(hands.store.deployments, "save", failing)
    assert run(hands, MemoryJournal()) == "succeeded"
    assert hands.pauses == 3
