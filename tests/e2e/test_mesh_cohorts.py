"""Cohorts: who gets which version, who stays there, and how a request says where it belongs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.e2e.mesh_rig import Rig, rig

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

USERS = 200


async def _asked(world: Rig, **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await world.call("rogue", "orbit", "POST", "/dispatch", headers=named)).text


async def test_a_cohort_reaches_its_version_whatever_the_weights(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        started = await world.release("orbit")
        answers = {
            "nothing": await _asked(world),
            "header": await _asked(world, x_fairway_cohort="r8"),
            "canary": await _asked(world, x_fairway_preview="canary"),
            "label": await _asked(world, x_fairway_preview="r8"),
            "other label": await _asked(world, x_fairway_preview="r9"),
            "baggage": await _asked(world, baggage="a=b, fairway.cohort=r8;p=1,c=d"),
            "lookalike": await _asked(world, baggage="xfairway.cohort=r8,fairway.cohort=r80"),
            "header first": await _asked(
                world,
                x_fairway_cohort="stable",
                x_fairway_preview="canary",
                baggage="fairway.cohort=r8",
            ),
            "wish before baggage": await _asked(
                world, x_fairway_preview="canary", baggage="fairway.cohort=stable"
            ),
            "a label of long ago": await _asked(world, x_fairway_cohort="r6"),
        }
        await world.shift(100, ["orbit"])
        answers["stable at 0"] = await _asked(world, x_fairway_cohort="stable")
    chosen = {name for name, answer in answers.items() if answer == "orbit-r8"}
    assert chosen == {"header", "canary", "label", "baggage", "wish before baggage"}
    assert len(started["orbit"].seen) == len(chosen)


async def test_whoever_is_chosen_gets_the_request_marked(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        r8 = (await world.release("orbit"))["orbit"]
        r1 = world.programs["orbit"][0]
        await _asked(world, x_fairway_cohort="r8", baggage="a=b,c=d;p=1")
        await _asked(world, baggage="fairway.cohort=r8,e=f")
        await _asked(world, x_fairway_preview="r8")
        await _asked(world, x_fairway_cohort="r6", baggage="g=h")
        await _asked(world, x_fairway_cohort="r8", baggage="fairway.cohort=r80")
    found = [(s.headers["x-fairway-cohort"], s.headers["baggage"]) for s in r8.seen]
    assert found == [
        ("r8", "a=b,c=d;p=1,fairway.cohort=r8"),
        ("r8", "fairway.cohort=r8,e=f"),
        ("r8", "fairway.cohort=r8"),
        ("r8", "fairway.cohort=r80,fairway.cohort=r8"),
    ]
    seen = r1.seen[-1].headers
    assert (seen["x-fairway-cohort"], seen["baggage"]) == ("stable", "g=h,fairway.cohort=stable")


async def test_without_a_deployment_nothing_is_marked(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await _asked(world)
        await _asked(world, x_fairway_cohort="r7", baggage="fairway.cohort=r7")
    bare, brought = (seen.headers for seen in world.programs["orbit"][0].seen)
    assert not {"x-fairway-cohort", "baggage"} & bare.keys()
    assert (brought["x-fairway-cohort"], brought["baggage"]) == ("r7", "fairway.cohort=r7")


async def test_users_stay_in_the_canary_as_it_grows(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await world.release("orbit")
        inside: set[int] = set()
        for percent, least, most in [(5, 1, 25), (25, 30, 72), (50, 76, 124)]:
            await world.shift(percent, ["orbit"], sticky="header:X-Account")
            found = {
                user
                for user in range(USERS)
                if await _asked(world, x_account=f"user-{user}") == "orbit-r8"
            }
            assert inside <= found
            assert least <= len(found) <= most
            inside = found
        again = Counter([await _asked(world, x_account="user-7") for _ in range(10)])
        assert len(again) == 1
        unknown = Counter([await _asked(world) for _ in range(60)])
        assert set(unknown) == {"orbit", "orbit-r8"}
