"""The engine, its journal on SQLite, and a simulated target: whole deployments in one process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.delivery_world import BLUE_GREEN, ROLLING, World, YieldingClock
from tests.waiting import eventually

from fairway.delivery.engine.engine import Engine
from fairway.delivery.engine.place import Place
from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.delivery.transitions import ATTEMPTS
from fairway.errors import Conflict, NotFound, Unavailable
from fairway.storage.opening import open_database
from fairway.targets.contract import Fence, Routing
from fairway.targets.memory import MemoryTarget


async def test_a_good_release_ends_as_succeeded(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        assert (await world.deploy("one")).status == "succeeded"
        ended = await world.deploy("two")
        assert (ended.status, ended.reason) == ("succeeded", "r2 serves every request")
        assert await world.weights() == {"r2": 100}
        assert world.store.releases.in_force() == 2
        assert world.target.failed_requests == 0
        told = [event.type for event in world.store.events.after(0, deployment=ended.id)]
        assert (told[0], told[-1]) == ("DeploymentStarted", "DeploymentSucceeded")


async def test_a_bad_release_is_rolled_back_with_numbers_and_words(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.deploy("one")
        ended = await world.deploy("two", "errors")
        assert ended.status == "rolled_back"
        assert "50 % of r2's answers failed" in ended.reason
        assert await world.weights() == {"r1": 100}
        seen = world.store.looks.watching(ended.id)
        assert seen is not None
        assert (seen.outcome, seen.harmed > 0, seen.weight) == ("fail", True, 5)
        bad = next(
            each for each in seen.versions if each.version == "r2" and each.service == "axon"
        )
        assert 0 < bad.errors <= bad.requests
        assert bad.rate > 0
        assert len(bad.recent) >= 2


async def test_what_never_gets_healthy_is_taken_away_again(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.deploy("one")
        ended = await world.deploy("two", "unhealthy")
        assert (ended.status, "health check" in ended.reason) == ("rolled_back", True)
        assert await world.weights() == {"r1": 100}


@pytest.mark.parametrize("strategy", [ROLLING, BLUE_GREEN], ids=["rolling", "blue-green"])
async def test_a_target_that_fails_for_a_while_is_tried_again(
    tmp_path: Path, strategy: dict[str, object]
) -> None:
    async with World(tmp_path) as world:
        await world.deploy("one")
        for method in ("apply", "shift", "retire", "settle"):
            world.target.fail(method, 2)
        assert (await world.deploy("two", strategy=strategy)).status == "succeeded"
        assert world.target.failed_requests == 0


async def test_what_cannot_be_taken_away_is_no_reason_to_go_back(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.deploy("one")
        world.target.fail("retire", ATTEMPTS)
        begun = await world.begin("two")
        await world.step(begun, "await_resume")
        assert await world.weights() == {"r1": 0, "r2": 100}
        world.tell(begun, "resume", by="ada")
        assert (await world.ended(begun)).status == "succeeded"


async def test_hooks_run_in_their_phases_and_a_failing_one_turns_back(tmp_path: Path) -> None:
    note = 'echo "$FAIRWAY_PHASE $FAIRWAY_RELEASE" >> phases'
    hooks = {
        "pre_deploy": [{"name": "note", "run": note}],
        "post_shift": [{"name": "smoke", "run": f"{note}; echo 'no orders came'; exit 3"}],
    }
    async with World(tmp_path) as world:
        await world.deploy("one")
        ended = await world.deploy("two", hooks=hooks)
        assert (tmp_path / "phases").read_text() == "pre_deploy r2\npost_shift r2\n"
        assert ended.status == "rolled_back"
        assert ended.reason == ("the post_shift hook smoke failed, it ended with 3: no orders came")
        assert world.store.looks.hooks(ended.id, "pre_deploy")[0].passed


async def test_a_hook_that_may_fail_is_told_of_and_the_next_one_runs(tmp_path: Path) -> None:
    hooks = {
        "pre_shift": [
            {"name": "warm", "run": "echo cold; exit 1", "on_failure": "ignore"},
            {"name": "note", "run": "touch noted"},
        ],
    }
    async with World(tmp_path) as world:
        ended = await world.deploy("one", hooks=hooks)
        assert (ended.status, (tmp_path / "noted").exists()) == ("succeeded", True)
        told = [each.words for each in world.store.events.after(0) if each.type == "HookCompleted"]
        assert told == ["the pre_shift hook warm failed, it ended with 1: cold; it was ignored"]


async def test_it_waits_for_those_who_must_agree(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        begun = await world.begin("one", approvals=2)
        await world.step(begun, "await_approval")
        world.tell(begun, "approve", by="ada")  # who started it
        for _ in range(2):
            world.tell(begun, "approve", by="bob")
        await asyncio.sleep(0.1)
        assert (await world.step(begun, "await_approval")).status == "awaiting_approval"
        world.tell(begun, "approve", by="eve")
        ended = await world.ended(begun)
        assert ended.status == "succeeded"
        assert [approval.by for approval in ended.approvals] == ["bob", "eve"]


async def test_nobody_agreeing_in_time_ends_it(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        ended = await world.deploy("one", approvals={"count": 1, "timeout": "60s"})
        assert (ended.status, ended.reason) == ("cancelled", "nobody decided in time")
        assert world.clock() - ended.at >= 60


async def test_it_waits_for_the_end_of_a_freeze(tmp_path: Path) -> None:
    freeze = {"from": "2027-01-15", "to": "2027-01-15"}
    clock = YieldingClock(1_800_057_560.0)  # 40 seconds before the end of that day
    async with World(tmp_path, clock=clock) as world:
        ended = await world.deploy("one", freezes=[freeze])
        assert ended.status == "succeeded"
        assert ended.ended_at is not None
        assert ended.ended_at >= 1_800_057_600.0


async def test_it_says_which_freeze_it_waits_for(tmp_path: Path) -> None:
    freeze = {"from": "2000-01-01", "to": "2100-01-01", "reason": "the audit"}
    async with World(tmp_path) as world:
        frozen = await world.begin("one", freezes=[freeze])
        await eventually(lambda: bool(world.store.deployments.get(frozen).held))
        assert world.store.deployments.get(frozen).held == "frozen until 2100-01-01: the audit"
        world.tell(frozen, "abort")
        assert (await world.ended(frozen)).status == "cancelled"


async def test_one_after_another_in_an_environment(tmp_path: Path) -> None:
    """The second waits; what it was planned on has moved by then, so it is planned anew."""
    async with World(tmp_path) as world:
        first = await world.begin("one", approvals=1)
        await world.step(first, "await_approval")
        second = await world.begin("two", when_busy="queue")
        await asyncio.sleep(0.3)
        assert world.store.deployments.get(second).status == "pending"
        world.tell(first, "approve")
        assert (await world.ended(first)).status == "succeeded"
        ended = await world.ended(second)
        assert (ended.status, ended.base) == ("succeeded", 1)
        assert await world.weights() == {"r2": 100}


async def test_a_queued_one_can_be_aborted_at_once(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        first = await world.begin("one", approvals=1)
        second = await world.begin("two", when_busy="queue")
        world.tell(second, "abort")
        assert (await world.ended(second)).status == "cancelled"
        assert (await world.step(first, "await_approval")).effect is not None


async def test_superseding_waits_for_the_rollback_of_what_runs(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.deploy("one")
        held = await world.begin("two", hooks={"pre_shift": [{"name": "slow", "run": "sleep 60"}]})
        await world.step(held, "run_hooks")
        newer = await world.begin("three", when_busy="supersede")
        ended = await world.ended(held)
        assert (ended.status, "superseded by d3" in ended.reason) == ("rolled_back", True)
        assert (await world.ended(newer)).status in ("succeeded", "failed")


async def test_an_abort_interrupts_what_takes_long(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        held = await world.begin("one", hooks={"pre_deploy": [{"name": "slow", "run": "sleep 60"}]})
        await world.step(held, "run_hooks")
        world.tell(held, "abort")
        ended = await world.ended(held)
        assert (ended.status, ended.reason) == ("cancelled", "aborted by bob")


async def test_stopped_in_the_middle_it_goes_on_with_the_next_start(tmp_path: Path) -> None:
    async with World(tmp_path, name="first") as world:
        await world.deploy("one")
        begun = await world.begin("two", approvals=1)
        await world.step(begun, "await_approval")
    async with World(tmp_path, name="second") as world:
        assert (await world.step(begun, "await_approval")).status == "awaiting_approval"
        world.tell(begun, "approve")
        assert (await world.ended(begun)).status == "succeeded"


async def test_what_was_opened_but_never_submitted_is_begun_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with World(tmp_path) as world:
        release = world.keep(app := world.app("one"))
        world.store.deployments.open(await world.planned(app, release))
    async with World(tmp_path, name="second") as world:
        assert (await world.ended("d1")).status == "succeeded"


async def test_on_one_file_there_is_one_engine(tmp_path: Path) -> None:
    async with World(tmp_path, name="the first"):
        second = World(tmp_path, name="the second")
        with pytest.raises(Conflict, match="the first"):
            await second.engine.start()
        second.database.close()
    async with World(tmp_path, name="the third"):
        pass


async def test_environments_do_not_wait_for_one_another(tmp_path: Path) -> None:
    async with World(tmp_path / "one") as world:
        held = await world.begin("one", approvals=1)
        await world.step(held, "await_approval")
        other = World(tmp_path / "two")
        await world.engine.add(other.place)
        app = other.app("one")
        made = await other.planned(app, other.keep(app))
        made = replace(made, id="other")
        other.store.deployments.open(made)
        await world.engine.submit(made)
        assert (await other.ended("other")).status == "succeeded"
        assert not world.store.deployments.get(held).over
        world.tell(held, "reject")
        await world.engine.idle()
        other.database.close()


async def test_only_what_the_store_has_opened_is_begun(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        app = world.app("one")
        made = await world.planned(app, world.keep(app))
        with pytest.raises(NotFound, match="d1"):
            await world.engine.submit(made)


class Broken(MemoryTarget):
    """A target with a defect, as long as `broken`."""

    broken = False

    async def shift(self, routing: Routing, fence: Fence) -> None:
        if self.broken and routing.services["axon"].weights.get("r2"):
            raise KeyError("shift")
        await super().shift(routing, fence)


async def test_a_defect_of_a_target_ends_in_a_rollback(tmp_path: Path) -> None:
    clock = YieldingClock()
    target = Broken(clock, file=tmp_path / "world.json")
    async with World(tmp_path, clock=clock, target=target) as world:
        await world.deploy("one")
        target.broken = True
        ended = await world.deploy("two")
        assert (ended.status, ended.reason) == ("rolled_back", "a defect: KeyError: 'shift'")


def test_an_idle_engine_does_not_load_the_journal() -> None:
    program = "import sys, fairway.delivery.engine.engine as e; print('dbos' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


async def test_an_engine_without_work_opens_no_journal(tmp_path: Path) -> None:
    database = open_database(tmp_path / "environment.db")
    clock = YieldingClock()
    place = Place("prod", DeliveryStore(database), MemoryTarget(clock), clock)
    engine = Engine([place], tmp_path / "engine.db", "idle")
    await engine.start()
    await engine.idle()
    await engine.stop()
    database.close()
    assert not (tmp_path / "engine.db").exists()


async def test_a_journal_that_cannot_be_opened_is_said_and_tried_again(tmp_path: Path) -> None:
    journal = tmp_path / "engine.db"
    async with World(tmp_path) as world:
        journal.write_bytes(b"this is no database" * 100)
        with pytest.raises(Unavailable, match="journal cannot be opened"):
            await world.begin("one")
        journal.unlink()
        assert (await world.ended("d1")).status == "succeeded"


async def test_a_process_has_one_journal(tmp_path: Path) -> None:
    async with World(tmp_path / "one") as world:
        await world.deploy("one")
        async with World(tmp_path / "two") as other:
            with pytest.raises(Conflict, match="delivery engine already"):
                await other.begin("one")
