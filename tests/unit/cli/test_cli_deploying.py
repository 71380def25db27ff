"""`plan`, `deploy`, `rollback` and `follow`, through the real API on a real socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.cli_driver import CommandLine, Done
from tests.unit.cli.fake_delivery import (
    DROP,
    PAUSED,
    REPLACE,
    ROLLED_BACK,
    WAITS_FOR_APPROVAL,
    MemoryDelivery,
    a_plan,
    a_release,
    looked,
)

from fairway.cli.commands.deploy import why_started
from fairway.cli.delivering import follow
from fairway.cli.delivering.plan_text import strategy_words
from fairway.model.strategies import Strategy
from fairway.plan.preview import MonthlyCost, Preview, ResourceChange
from fairway.targets.local.layout import open_state


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_LOOK_SECONDS", 0.02)


def lines_of(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_plan_says_what_changes_and_why_and_ends_with_2(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.planned = a_plan(REPLACE, DROP, warnings=("axon must pass baggage on",))
    done = fairway("plan", "local")
    assert done.code == 2
    assert "its source changed" in done.out
    assert "canary: 5 % → 25 % → 100 %, each step watched for 5s" in done.out
    assert "2 changes, destructive: stop axon" in done.out
    assert "axon must pass baggage on" in done.out
    assert fairway("plan", "local", "--json").json["changes"][1]["destructive"] is True


BELOW = Preview(
    (
        ResourceChange("", "aws_subnet", "module.networking.aws_subnet.public[0]", "create"),
        ResourceChange("orbit", "aws_ecs_service", 'module.services["orbit"].x', "create"),
        ResourceChange(
            "orbit", "aws_db_instance", 'module.services["orbit"].aws_db_instance.this', "replace",
            ("engine: a → b (forces replacement)",), destructive=True,
        ),
    ),
    (MonthlyCost("orbit", 10.0, 12.5), MonthlyCost("axon", 7.0, 7.0)), 15.0, ("a warning",),
)  # fmt: skip


def test_resources_stand_below_the_services_and_money_last(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.planned = a_plan(REPLACE, preview=BELOW)
    told = fairway("plan", "local").out
    assert "  resources: 2 to create, 1 to replace\n" in told
    assert "    orbit\n      + aws_ecs_service\n      ± aws_db_instance.this  DESTRUCTIVE\n" in told
    assert "          engine: a → b (forces replacement)\n" in told
    assert "    orbit   10.00 → 12.50 (+2.50)\n    in all  17.00 → 19.50 (+2.50)\n" in told
    assert "    budget  15.00: exceeded by 4.50\n" in told
    assert "destructive: replace module.services" in told
    order = [told.index(word) for word in ("its source changed", "resources:", "cost, US dollars")]
    assert order == sorted(order)
    shown = fairway("plan", "local", "--json").json["preview"]
    assert shown["resources"][2]["destructive"] is True


def test_nobody_agreed_to_a_destructive_resource(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.planned = a_plan(REPLACE, preview=BELOW)
    done = fairway("deploy")
    assert done.code == 6
    assert "aws_db_instance.this" in done.err
    assert delivery.found == []
    assert fairway("deploy", "--yes").code == 0


def test_plan_ends_with_0_when_nothing_changes(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.planned = a_plan()
    assert fairway("plan").code == 0
    assert fairway("deploy").code == 0
    assert delivery.found == []


@pytest.mark.parametrize("command", ["deploy", "rollback"])
def test_beside_another_deployment_nothing_is_planned_or_sent(
    delivery: MemoryDelivery, fairway: CommandLine, command: str
) -> None:
    delivery.add("d1", status="shifting", serving=25)
    done = fairway(command)
    assert done.code == 4
    assert "fairway follow d1" in done.err
    assert delivery.wishes == []


def test_a_plan_of_what_never_ran_starts_everything(fairway: CommandLine) -> None:
    done = fairway("plan", "local")
    assert done.code == 2
    assert "local never ran here" in done.err
    assert "+ start  orbit" in done.out
    assert "+ start  axon" in done.out


def test_where_nothing_runs_a_shared_environment_is_pointed_to_its_deployments(
    fairway: CommandLine,
) -> None:
    done = fairway("status", "--env", "prod")
    assert done.code == 5
    assert "fairway deployments prod" in done.err
    assert "fairway deployments" not in fairway("status").err


def test_it_is_said_why_a_control_plane_is_started(tmp_path: Path) -> None:
    state = open_state(tmp_path, stamp="now").state
    assert why_started(state) == "local does not run here yet: it is started first"
    state.journal.touch()
    assert why_started(state) == "local does not run here: it is started first"
    state.control.touch()
    assert "control plane of local is dead" in why_started(state)
    assert "adopts what still runs" in why_started(state)


def test_a_first_plan_leaves_a_state_folder_that_what_follows_can_open(
    fairway: CommandLine,
) -> None:
    fairway("plan", "local")
    assert open_state(fairway.folder, stamp="now").messages == ()
    assert (fairway.folder / ".fairway" / ".gitignore").read_text() == "*\n"


def test_an_emergency_does_not_promise_a_strategy(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    done = fairway("deploy", "local", "--emergency", "--reason", "it is down")
    assert "shop → local, after r7, at once: an emergency" in done.err
    assert "canary" not in done.err


def test_what_is_planned_is_the_folder_as_it_is(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    fairway("plan")
    (fairway.folder / "serve").write_text("changed")
    fairway("plan")
    before, after = delivery.wishes
    assert before.app is not None
    assert before.app["app"] == "shop"
    assert before.artifacts.keys() == {"orbit", "axon"}
    assert before.artifacts != after.artifacts
    assert before.policies is not None


def test_deploy_follows_to_the_end(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    delivery.watched = looked()
    done = fairway("deploy", "local", "-m", "a better orbit")
    assert done.code == 0, done.err
    assert "r8 begins" in done.err
    assert "orbit r8: 25 % of new requests, 62 requests, 0.0 % errors" in done.err
    assert "r8 of shop in local serves everything" in done.out
    assert "no requests harmed of 62" in done.out
    assert delivery.wishes[-1].note == "a better orbit"
    assert delivery.wishes[-1].fingerprint == delivery.planned.fingerprint


def test_a_deployment_that_is_rolled_back_ends_with_3_and_says_why(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.steps, delivery.watched = ROLLED_BACK, looked(harmed=31)
    done = fairway("deploy")
    assert done.code == 3
    assert "because   orbit r8 answers 31 of 62 requests with an error" in done.out
    assert "31 requests harmed of 62 that r8 answered (50.0 %)" in done.out
    assert "shop in local is back at r7" in done.out
    assert "fairway diff local 7 8" in done.out


def test_json_lines_are_plan_events_numbers_and_the_end(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.watched = looked()
    lines = lines_of(fairway("deploy", "--json"))
    kinds = [next(iter(line)) for line in lines]
    assert (kinds[0], kinds[-1]) == ("plan", "deployment")
    assert {"event", "watching"} <= set(kinds)
    assert lines[-1]["exit_code"] == 0
    assert lines[-1]["deployment"]["status"] == "succeeded"
    assert lines[-1]["watching"]["checks"] == [{"check": "e"}]


def test_no_wait_returns_at_once(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    done = fairway("deploy", "--no-wait")
    assert done.code == 0
    assert "fairway follow d1 --env local" in done.out
    assert not delivery.found[0].over


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (WAITS_FOR_APPROVAL, "fairway approve d1 --env local"),
        (PAUSED, "it is paused: no verdict"),
    ],
)
def test_ci_does_not_wait_for_people(
    delivery: MemoryDelivery, fairway: CommandLine, steps: Any, words: str
) -> None:
    delivery.steps = steps
    done = fairway("deploy")
    assert done.code == 8
    assert words in done.out


def test_what_is_destructive_needs_someone_to_agree(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.planned = a_plan(DROP)
    refused = fairway("deploy")
    assert refused.code == 6
    assert "stop axon" in refused.err
    assert delivery.found == []
    assert fairway("deploy", "--yes").code == 0


def test_a_second_deployment_is_refused_queued_or_supersedes(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.add("d0", status="shifting")
    assert fairway("deploy").code == 4
    assert fairway("deploy", "--queue", "--supersede").code == 2
    assert fairway("deploy", "--queue").code == 0
    assert delivery.wishes[-1].when_busy == "queue"
    assert delivery.wishes[-1].fingerprint is None
    fairway("deploy", "--supersede")
    assert delivery.wishes[-1].when_busy == "supersede"


def test_a_plan_in_a_file_is_what_is_done(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    delivery.planned = a_plan(DROP, facts={"release": "7"})
    assert fairway("plan", "--out", "p.json").code == 2
    assert fairway("deploy", "--plan", "p.json").code == 0, "who made the plan has agreed to it"
    assert delivery.wishes[-1].fingerprint == delivery.planned.fingerprint


def test_a_stale_plan_is_refused_and_says_what_moved(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.planned = a_plan(REPLACE, facts={"release": "7"})
    fairway("plan", "--out", "p.json")
    delivery.planned = a_plan(REPLACE, facts={"release": "9"}, fingerprint="sha256:" + "1" * 64)
    done = fairway("deploy", "--plan", "p.json")
    assert done.code == 4
    assert "the release was 7 and is 9" in done.err
    assert delivery.found == []


def test_a_plan_of_other_files_is_refused(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    from dataclasses import replace

    fairway("plan", "--out", "p.json")
    delivery.planned = replace(delivery.planned, release_digest="sha256:" + "9" * 64)
    done = fairway("deploy", "--plan", "p.json")
    assert done.code == 4
    assert "of another release" in done.err


@pytest.mark.parametrize("content", [None, "no json", '{"fairway":1,"is":"Deployment","value":{}}'])
def test_what_is_no_plan_is_said(fairway: CommandLine, content: str | None) -> None:
    if content is not None:
        Path("p.json").write_text(content)
    assert fairway("deploy", "--plan", "p.json").code == 2


def test_an_emergency_needs_a_reason(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    assert fairway("deploy", "--emergency").code == 2
    assert fairway("deploy", "--emergency", "--reason", "the shop is down").code == 0
    assert delivery.wishes[-1].emergency
    assert delivery.wishes[-1].reason == "the shop is down"


def test_rollback_deploys_a_kept_release(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    assert fairway("rollback", "local", "3").code == 0
    assert (delivery.wishes[-1].release, delivery.wishes[-1].app) == (3, None)
    assert fairway("rollback", "r3").code == 0
    assert fairway("rollback", "local").code == 0, "the one before the last that succeeded"
    assert delivery.wishes[-1].release == 7
    assert fairway("rollback", "local", "3", "4").code == 2
    assert fairway("rollback", "local", "three").code == 2


def test_a_rollback_needs_something_before(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    done = fairway("rollback")
    assert done.code == 4
    assert "fairway history" in done.err


def test_an_emergency_rollback_ends_what_is_under_way(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.add("d0", status="succeeded")
    delivery.add("d1", status="shifting")
    assert fairway("rollback", "--emergency").code == 2
    assert fairway("rollback", "local", "--emergency", "--reason", "down").code == 0
    wish = delivery.wishes[-1]
    assert (wish.emergency, wish.when_busy, wish.release) == (True, "supersede", 7)


def test_a_rollback_to_what_is_not_there_is_no_rollback(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    """A script must not take the one for the other."""
    delivery.kept = [a_release(7)]
    done = fairway("rollback", "local", "99")
    assert done.code == 9
    assert delivery.found == []


def test_follow_takes_the_one_under_way_else_the_last(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    assert fairway("follow").code == 9
    delivery.add("d1")
    assert fairway("follow").code == 0
    assert "r8 of shop in local serves everything" in fairway("follow").out
    delivery.add("d2", status="failed", reason="it broke")
    assert fairway("follow").code == 7
    assert fairway("follow", "d1").code == 0
    assert fairway("follow", "d3").code == 9


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"rolling": {}}, "rolling: up to 1 replica more, none fewer than declared"),
        ({"blue_green": {"bake": "0s"}}, "blue-green: all traffic at once"),
        (
            {"blue_green": {"bake": "2s"}},
            "blue-green: all traffic at once, the old version kept for 2s",
        ),
    ],
)
def test_a_strategy_that_waits_for_nothing_does_not_say_for_how_long(
    declared: dict[str, Any], words: str
) -> None:
    settled = Strategy.model_validate(declared).settled
    assert strategy_words(settled.model_dump(mode="json", exclude_none=True)) == words
