"""The commands that look at deployments and releases, tell them how to go on, and mend drift."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.cli.cli_driver import CommandLine
from tests.unit.cli.fake_delivery import WAITS_FOR_APPROVAL, MemoryDelivery, a_release, looked

from fairway.cli.delivering.wish import artifact_store
from fairway.delivery.deployment import Effect
from fairway.delivery.port import DeadLetter
from fairway.targets.contract import Drift

KILLED = Drift("process", "orbit.0", "running", "gone", "start it again")


@pytest.mark.parametrize("verb", ["pause", "resume", "abort", "promote"])
def test_a_command_reaches_the_one_under_way(
    delivery: MemoryDelivery, fairway: CommandLine, verb: str
) -> None:
    delivery.add("d1", status="shifting")
    delivery.add("d2")
    delivery.add("d3", status="succeeded")
    done = fairway(verb, "--reason", "because")
    assert done.code == 0
    assert "deployment d1 of r8" in done.out
    assert delivery.told == [("d1", verb, "ada", "because")]
    fairway(verb, "d2")
    assert delivery.told[-1][:2] == ("d2", verb)


def test_promote_goes_all_the_way_when_told_so(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.add("d1", status="shifting")
    assert fairway("promote", "--fully", "--json").json["id"] == "d1"
    assert delivery.told[-1][1] == "promote_fully"


def test_nothing_under_way_is_said(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    delivery.add("d1", status="succeeded")
    done = fairway("abort")
    assert done.code == 9
    assert "fairway deployments" in done.err


def test_who_began_it_may_not_approve_it_and_is_told(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.add("d1", **WAITS_FOR_APPROVAL[0])
    done = fairway("approve")
    assert done.code == 6
    assert "whoever began it may not approve it" in done.err


def test_reject_and_override_need_a_reason(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    delivery.add("d1", **WAITS_FOR_APPROVAL[0])
    assert fairway("reject").code == 2
    assert fairway("override").code == 2
    assert fairway("override", "--reason", "outage").code == 0
    assert fairway("reject", "--reason", "not today").code == 0
    assert delivery.found[0].reason == "not today"
    assert fairway("reject", "--reason", "again").code == 9, "nothing waits any more"


def test_deployments_are_listed_by_pages_and_status(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    assert fairway("deployments").out == "no deployment matches\n"
    for number in range(1, 4):
        delivery.add(f"d{number}", status="succeeded" if number == 2 else "failed", ended_at=9.0)
    first = fairway("deployments", "local", "-n", "2")
    assert "d3" in first.out
    assert "d1" not in first.out
    assert "--cursor 2" in first.err
    assert "d1" in fairway("deployments", "--cursor", "2").out
    only = fairway("deployments", "--status", "succeeded", "--json").json
    assert [each["id"] for each in only["deployments"]] == ["d2"]
    assert "rolled_back" in fairway("deployments", "--status", "gone").err


def test_one_deployment_is_shown_with_all_that_happened(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.watched = looked(harmed=3)
    delivery.add("d1", status="rolled_back", reason="it was worse", ended_at=9.0, effect=None)
    done = fairway("deployment", "show")
    for words in ("it was worse", "r8 begins", "r8 ended: rolled_back", "3 requests harmed"):
        assert words in done.out
    found = fairway("deployment", "show", "d1", "--json").json
    assert [event["id"] for event in found["events"]] == [1, 2]


def test_one_that_goes_on_is_shown_as_far_as_it_is(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    delivery.steps = ()
    delivery.add("d1", status="shifting", effect=Effect("watch"))
    done = fairway("deployment", "show", "d1")
    assert "~ replace  orbit  r7 → r8" in done.out
    assert "its source changed" in done.out
    assert "r8 begins" in done.out
    assert "fairway follow d1 --env local" in done.out


def test_history_marks_the_release_in_force_and_says_what_changed(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    assert fairway("history", "local").out == "nothing was deployed here yet\n"
    delivery.kept = [
        a_release(7, note="first"), a_release(8, "bb", "better"), a_release(9, "bb", policies="qq")
    ]  # fmt: skip
    delivery.add("d1", status="succeeded")
    shown = fairway("history", "local").out.splitlines()
    assert [line.split()[0] for line in shown[1:]] == ["r9", "*", "r7"]
    assert "policies" in shown[1]
    assert "orbit" in shown[2]
    assert fairway("history", "--before", "8", "--json").json["releases"][0]["number"] == 7


def test_history_lists_activated_policies_among_the_releases(
    delivery: MemoryDelivery, plane: MemoryControl, fairway: CommandLine
) -> None:
    made = asyncio.run(plane.create_policy_set("permit(principal, action, resource);", author="bo"))
    activated = asyncio.run(plane.activate_policy_set(made.version, author="bo"))
    number = int(activated.release.removeprefix("r"))
    delivery.kept = [a_release(number + 1)]
    rows = [line.split() for line in fairway("history").out.splitlines()[1:]]
    assert [row[0] for row in rows][:2] == [f"r{number + 1}", f"r{number}"]
    assert "activated" in rows[1]
    found = fairway("history", "-n", "1", "--json").json
    assert (len(found["releases"]), found["activations"]) == (1, [])
    older = fairway("history", "--before", str(number + 1), "--json").json
    assert older["activations"][0]["number"] == number


def test_a_release_is_shown(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    delivery.kept = [a_release(8, "bb", "better")]
    delivery.add("d1", status="succeeded")
    done = fairway("show", "local", "8")
    assert "in force" in done.out
    assert "KEY v2" in done.out
    assert fairway("show").out == done.out
    assert fairway("show", "r8", "--json").json["in_force"] is True
    assert fairway("show", "99").code == 9


def test_two_releases_are_compared(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    shown = fairway("diff", "local", "1", "2").out
    assert "replace orbit" in shown
    assert "its source changed" in shown
    assert "+b" in shown
    assert fairway("diff", "1", "1").out == "r1 and r1 do not differ\n"
    assert fairway("diff", "r1", "r2", "--json").json["after"] == 2
    assert fairway("diff", "1").code == 2
    assert fairway("diff", "local", "1", "two").code == 2


def test_the_sources_of_two_releases_are_compared_line_by_line(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    source = fairway.folder / "source"
    source.mkdir()
    store = artifact_store(fairway.folder, "local")
    for number, line in ((1, "old"), (2, "new")):
        (source / "main.py").write_text(f"{line}\n")
        made = a_release(number)
        orbit = replace(made.content.services["orbit"], artifact=store.put(source))
        content = replace(made.content, services={"orbit": orbit})
        delivery.kept.append(replace(made, content=content))
    shown = fairway("diff", "1", "2", "--source").out.splitlines()
    assert shown[-5:-3] == ["--- r1/orbit/main.py", "+++ r2/orbit/main.py"]
    assert shown[-2:] == ["-old", "+new"]
    assert "+new" in fairway("diff", "1", "2", "--source", "--json").json["source"]
    assert "source" not in fairway("diff", "1", "2", "--json").json
    store.collect(())
    gone = fairway("diff", "1", "2", "--source")
    assert gone.code == 0
    assert "the source of orbit: there is no snapshot" in gone.err


def test_drift_is_named_and_mended(delivery: MemoryDelivery, fairway: CommandLine) -> None:
    done = fairway("drift", "local")
    assert (done.code, done.out) == (0, "everything is as it should be\n")
    delivery.drifted = (KILLED,)
    found = fairway("drift", "local")
    assert found.code == 2
    assert "orbit.0" in found.out
    assert "start it again" in found.out
    assert fairway("drift", "--json").json["drift"][0]["kind"] == "process"
    mended = fairway("drift", "--fix")
    assert mended.code == 0
    assert "repaired 1; now everything is as it should be" in mended.out


def test_what_a_webhook_was_not_told_is_listed_and_told_again(
    delivery: MemoryDelivery, fairway: CommandLine
) -> None:
    assert fairway("webhooks", "list").out == "every listener was told everything\n"
    delivery.dead = (
        DeadLetter("webhook https://x", 41, "d1", 12, "it answered 500", "T", "r8 is paused"),
        DeadLetter("webhook https://y", 43, "d1", 12, "it answered 500", "T", "r8 serves all"),
    )
    listed = fairway("webhooks", "list").out
    for words in ("41", "webhook https://x", "r8 is paused", "12", "it answered 500"):
        assert words in listed
    assert fairway("webhooks", "redeliver", "99").code == 9
    assert fairway("webhooks", "redeliver", "41").out.startswith("1 event is tried again:")
    assert fairway("webhooks", "redeliver", "--json").json["dead_letters"][0]["event"] == 43
    assert fairway("webhooks", "list", "--json").json == {"dead_letters": []}
