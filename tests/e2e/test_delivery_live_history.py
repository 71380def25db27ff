"""Back to what was: source, configuration and policies, by a normal deployment or in an emergency.

And forward from what is not Fairway's at all: a public route that a legacy system answers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from tests.delivery_rig import Change, DeliveryRig, delivery_rig
from tests.steady_load import steady_load

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

HALF = {"canary": {"steps": [50], "bake": "2s"}}
AT_ONCE = {"blue_green": {"bake": "0s"}}
FORBIDDEN = """
@id("nobody-asks-axon")
forbid (principal == Service::"orbit", action == Action::"ask", resource == Service::"axon");
"""


def edition(number: int) -> Change:
    """What the release of this number is: a text, a colour, and from the third on no calls."""
    return Change(
        axon=f"text{number}",
        orbit=f"text{number}",
        strategy=AT_ONCE,
        services={name: {"env": {"COLOUR": f"colour{number}"}} for name in ("axon", "orbit")},
        forbidden=FORBIDDEN if number >= 3 else "",
    )


@pytest_asyncio.fixture(loop_scope="module")
async def legacy() -> AsyncIterator[str]:
    """The address of a program that knows nothing of Fairway."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(EOFError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nlegacy")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DeliveryRig]:
    async with delivery_rig(tmp_path_factory.mktemp("history"), edition(1)) as made:
        yield made


async def test_after_five_releases_the_first_one_is_back(rig: DeliveryRig) -> None:
    first = (await rig.delivery.releases())[0].number
    before = (await rig.get("/orbit/axon")).text
    assert before == f"orbit:r{first}:text1:colour1 axon:r{first}:text1:colour1"
    for number in (2, 3, 4, 5):
        assert (await rig.deploy(edition(number))).status == "succeeded"
    latest = (await rig.delivery.releases())[0].number
    assert (await rig.get("/orbit/axon")).text == f"orbit:r{latest}:text5:colour5 403"
    async with steady_load(f"{rig.gateway}/axon/x", 100) as load:
        ended = await rig.to_release(first)
    assert (ended.status, load.failed) == ("succeeded", {}), ended.reason
    assert (await rig.get("/orbit/axon")).text == before
    listed = await rig.delivery.deployments()
    assert [each.release for each in listed.deployments][:2] == [first, latest]
    assert (await rig.delivery.drift()) == ()


async def test_an_emergency_skips_gates_and_stages(rig: DeliveryRig) -> None:
    """How long it takes is measured by `python -m bench delivery`."""
    slowly = {
        "strategy": {"canary": {"steps": [5], "bake": "300s"}},
        "approvals": 1,
        "windows": [{"days": ["mon"], "from": "03:00", "to": "03:01"}],
        "hooks": {"pre_deploy": [{"name": "smoke", "run": "true"}]},
    }
    text = {"axon": "text6", "orbit": "text6"}
    first = (await rig.delivery.deployments()).deployments[0].release
    gated = Change(**text, environment=slowly)
    emergency = await rig.deploy(gated, emergency=True, reason="the gates are closed")
    assert emergency.status == "succeeded", emergency.reason
    assert (len(emergency.course.stages), emergency.approvals) == (1, ())
    async with steady_load(f"{rig.gateway}/axon/x", 100) as load:
        back = await rig.to_release(first, emergency=True, reason="axon sells nothing")
    assert (back.status, load.failed) == ("succeeded", {})
    assert (await rig.get("/axon/x")).text == f"axon:r{first}:text1:colour1"
    told = [event async for event in rig.delivery.events(back.id)]
    assert any("EmergencyOverride" in event.type for event in told)


async def test_an_emergency_can_supersede_a_canary(rig: DeliveryRig) -> None:
    first = (await rig.delivery.deployments()).deployments[0].release
    slow = Change(axon="text7", strategy={"canary": {"steps": [50], "bake": "300s"}})
    begun = await rig.begin(slow)
    await rig.when(begun, lambda found: found.serving == 50)
    fixed = await rig.deploy(edition(2), emergency=True, reason="text7 is wrong")
    assert fixed.status == "succeeded"
    assert (await rig.delivery.deployment(begun.id)).status == "rolled_back"
    assert fixed.release > first
    assert "text2" in (await rig.get("/axon/x")).text


async def test_a_route_leaves_a_legacy_system_share_by_share(rig: DeliveryRig, legacy: str) -> None:
    """Whoever does not get the legacy system gets the version that takes over, and no other."""
    left = {"axon": {"public": [{"path": "/axon", "legacy": legacy}]}}
    await rig.deploy(Change(axon="before", strategy=AT_ONCE, services=left))
    assert (await rig.get("/axon/x")).text == "legacy"
    async with steady_load(f"{rig.gateway}/axon/x", 100) as load:
        begun = await rig.begin(Change(axon="taking-over", strategy=HALF))
        await rig.when(begun, lambda found: found.serving == 50)
        halfway = time.monotonic()
        await asyncio.sleep(1.5)
        seen = Counter(load.bodies(halfway))
        ended = await rig.ended(begun)
    taken = f"axon:{ended.cohort}:taking-over:"
    assert (ended.status, load.failed) == ("succeeded", {}), ended.reason
    assert set(load.bodies(0)) == set(seen) == {"legacy", taken}
    assert 0.25 < seen[taken] / seen.total() < 0.75
    assert (await rig.get("/axon/x")).text == taken
