"""Cohorts: who gets which version, who stays there, and how a request says where it belongs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.mesh_rig import Rig, rig
from tests.waiting import eventually

from fairway.targets.local.ports import is_free

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
            "two in baggage": await _asked(
                world, baggage="fairway.cohort=stable,fairway.cohort=r8"
            ),
            "a label of long ago": await _asked(world, x_fairway_cohort="r6"),
        }
        await world.shift(100, ["orbit"])
        answers["stable at 0"] = await _asked(world, x_fairway_cohort="stable")
    chosen = {name for name, answer in answers.items() if answer == "orbit-r8"}
    assert chosen == {
        "header",
        "canary",
        "label",
        "baggage",
        "wish before baggage",
        "two in baggage",
    }
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


async def test_what_a_version_calls_is_marked_though_its_program_passes_nothing_on(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as world:
        await world.release("orbit", "axon")
        stable, canary = world.egress("orbit", "axon"), world.egress("orbit", "axon", "r8")
        assert (await world.http.post(stable + "/reason")).text == "axon"
        assert (await world.http.post(canary + "/reason")).text == "axon-r8"
        by_host = f"http://127.0.0.1:{world.ports.egress_port('orbit', 'r8')}/reason"
        host = {"host": "axon.internal", "baggage": "a=b"}
        assert (await world.http.post(by_host, headers=host)).text == "axon-r8"
        seen = [found.headers for found in world.programs["axon"][1].seen]
        assert [headers["x-fairway-cohort"] for headers in seen] == ["r8", "r8"]
        assert seen[1]["baggage"] == "a=b,fairway.cohort=r8"
        assert "x-fairway-callee" not in seen[1]
        undeclared = {"host": "rogue.internal"}
        assert (await world.http.post(by_host, headers=undeclared)).status_code == 403


async def test_a_stamp_comes_and_goes_without_draining_anything(tmp_path: Path) -> None:
    """Which versions are on trial is in the routes; only ports are in the listeners."""
    async with rig(tmp_path) as world:
        await world.release("orbit", "axon")
        before = world.mesh.envoy("orbit").files()["lds.json"]
        world.routing = None
        await world.apply()
        assert world.mesh.envoy("orbit").files()["lds.json"] == before
        await world.http.post(world.egress("orbit", "axon", "r8") + "/reason")
        unmarked = [seen for p in world.programs["axon"] for seen in p.seen]
        assert not [seen for seen in unmarked if "x-fairway-cohort" in seen.headers]


CHAIN: dict[str, Any] = {
    "app": "shop",
    "services": {
        "site": {"run": "serve", "public": "/", "calls": {"carts": ["look"]}},
        "carts": {
            "run": "serve",
            "intents": {"look": "POST /carts"},
            "calls": {"stock": ["take"]},
        },
        "stock": {"run": "serve", "intents": {"take": "POST /stock"}},
    },
}


@pytest.mark.parametrize("passes_on", ["baggage", "x-fairway-cohort"])
async def test_a_release_is_one_unit_on_every_hop(tmp_path: Path, passes_on: str) -> None:
    """The site passes nothing on, its sidecar marks; the carts between are not in the release."""
    async with rig(tmp_path, CHAIN) as world:
        await world.release("site", "stock")
        for version, site in zip(("r1", "r8"), world.programs["site"], strict=True):
            site.calls = world.egress("site", "carts", version) + "/carts"
        (carts,) = world.programs["carts"]
        carts.calls, carts.passes_on = world.egress("carts", "stock") + "/stock", (passes_on,)
        await world.shift(50, ["site", "stock"])
        found = Counter([await _visit(world, {}) for _ in range(80)])
        assert set(found) == {"site>carts>stock", "site-r8>carts>stock-r8"}
        assert 20 <= found["site-r8>carts>stock-r8"] <= 60


async def test_a_cohort_whose_version_does_not_run_is_served_by_weight(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await world.release("orbit")
        stable, canary = world.versions["orbit"]
        await world.apply(orbit=(stable, replace(canary, endpoints=())))
        assert await _asked(world, x_fairway_cohort="r8") == "orbit"
        assert await _asked(world, x_fairway_preview="canary") == "orbit"


async def test_the_ports_of_a_version_that_went_are_free_for_the_next(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await world.release("orbit", "axon")
        plain = world.ports
        to, by_host = plain.egress_to_port("orbit", "axon", "r8"), plain.egress_port("orbit", "r8")
        world.ports = replace(
            plain,
            egress_of={("orbit", "r9"): by_host},
            egress_to_of={("orbit", "axon", "r9"): to},
        )
        await world.apply()
        assert (
            await world.http.post(world.egress("orbit", "axon", "r9") + "/reason")
        ).text == "axon"
        world.ports = replace(plain, egress_of={}, egress_to_of={})
        await world.apply()
        # Its worker closes it a moment after Envoy has taken the file.
        await eventually(lambda: is_free(to))
        world.ports = plain
        await world.apply()
        assert (await _once(world.egress("orbit", "axon", "r8"))).text == "axon-r8"


async def _once(url: str) -> httpx2.Response:
    """As a new process calls: over a connection of its own."""
    async with httpx2.AsyncClient(verify=False) as process:
        return await process.post(url + "/reason")


async def test_an_unchanged_service_stamps_nothing_and_forwards_what_it_got(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await world.release("axon")
        url = world.egress("orbit", "axon") + "/reason"
        assert (await world.http.post(url)).text == "axon"
        passed_on = {"baggage": "fairway.cohort=r8"}
        assert (await world.http.post(url, headers=passed_on)).text == "axon-r8"


async def test_browsers_stay_in_the_canary_by_a_cookie_of_the_gateway(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        await world.release("orbit")
        users: list[dict[str, str]] = [{} for _ in range(USERS)]
        inside: set[int] = set()
        for percent, least, most in [(5, 1, 25), (25, 30, 72), (50, 76, 124)]:
            await world.shift(percent, ["orbit"])
            found = {
                number
                for number, cookies in enumerate(users)
                if await _visit(world, cookies) == "orbit-r8"
            }
            assert inside <= found
            assert least <= len(found) <= most
            inside = found
        assert len({cookies["fairway-user"] for cookies in users}) == USERS


async def _visit(world: Rig, cookies: dict[str, str]) -> str:
    """A browser: sends the cookies it has, keeps the one that it gets."""
    sent = {"cookie": "; ".join(["a=b", *(f"{n}={v}" for n, v in cookies.items())])}
    answer = await world.http.get(world.gateway + "/page", headers=sent)
    given = answer.headers.get("set-cookie", "")
    if given:
        assert not cookies
        value, *attributes = given.split("; ")
        assert {"Path=/", "HttpOnly", "SameSite=Lax"} < set(attributes)
        cookies["fairway-user"] = value.removeprefix("fairway-user=")
    world.http.cookies.clear()
    return answer.text


async def test_no_cookie_without_a_deployment_that_wants_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        before = await world.http.get(world.gateway + "/page")
        await world.release("orbit")
        await world.shift(50, ["orbit"], sticky="none")
        during = await world.http.get(world.gateway + "/page")
        assert "set-cookie" not in {**before.headers, **during.headers}
        assert "x-fairway-user" not in world.programs["orbit"][0].seen[0].headers


async def test_a_client_says_no_cohort_but_may_ask_for_the_candidate(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        r8 = (await world.release("orbit"))["orbit"]
        r1 = world.programs["orbit"][0]
        forged = {
            "": {"x-fairway-cohort": "r8"},
            "a=b;p": {"baggage": "fairway.cohort=r8 , fairway.cohort=r8,a=b;p"},
            "a=b,c=d": {"baggage": "a=b, fairway.x=1,fairway.cohort = r8,c=d"},
            "a=fairway.cohort": {"baggage": "a=fairway.cohort"},
        }
        for headers in forged.values():
            assert (await _page(world, headers)).text == "orbit"
        kept = [seen.headers["baggage"].removesuffix("fairway.cohort=stable") for seen in r1.seen]
        assert [baggage.rstrip(",") for baggage in kept] == list(forged)
        assert (await _page(world, {"x-fairway-preview": "canary"})).text == "orbit-r8"
        assert (
            await _page(world, {"x-fairway-preview": "r8", "baggage": "a=b"})
        ).text == "orbit-r8"
        assert r8.seen[1].headers["baggage"] == "a=b,fairway.cohort=r8"


async def test_a_member_that_comes_in_a_second_line_or_too_long_is_no_way_in(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as world:
        r8 = (await world.release("orbit"))["orbit"]
        lines = [("baggage", "a=b"), ("baggage", "fairway.cohort=r8"), ("baggage", "c=d")]
        assert (await world.http.get(world.gateway + "/page", headers=lines)).text == "orbit"
        long = {"baggage": f"a={'b' * 9000},fairway.cohort=r8"}
        assert (await _page(world, long)).text == "orbit"
        assert not r8.seen
        assert world.programs["orbit"][0].seen[0].headers["baggage"] == (
            "a=b,c=d,fairway.cohort=stable"
        )


async def test_a_tester_stays_with_the_candidates_beyond_a_service_in_between(
    tmp_path: Path,
) -> None:
    """The first hop is unchanged; it gets the cohort as baggage, which it can pass on."""
    async with rig(tmp_path) as world:
        await world.release("axon")
        await _page(world, {"x-fairway-preview": "canary"})
        baggage = world.programs["orbit"][0].seen[0].headers["baggage"]
        answer = await world.call("orbit", "axon", "POST", "/reason", headers={"baggage": baggage})
        assert answer.text == "axon-r8"


async def _page(world: Rig, headers: dict[str, str]) -> httpx2.Response:
    return await world.http.get(world.gateway + "/page", headers=headers)
