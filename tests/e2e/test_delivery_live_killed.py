"""The control plane is killed (SIGKILL) at each kind of boundary, on real Envoys and processes.

The next one adopts what runs, goes on with the deployment, and is killed at the next boundary. In
the end everything is as if nothing had happened, and nobody has noticed anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.delivery_process import End, boundaries, run
from tests.delivery_rig import BLUE_GREEN, CANARY, ROLLING, STOP_FIRST
from tests.steady_load import steady_load

from fairway.targets.local.layout import open_state
from fairway.wiring import clear_local

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]

HOOKS = {phase: [{"name": "smoke", "run": "true"}] for phase in ("pre_deploy", "post_deploy")}
RATE = 40
GOOD = {"axon": "good", "strategy": CANARY, "environment": {"hooks": HOOKS}}
BAD = {"axon": "errors", "strategy": {"canary": {"steps": [20], "bake": "20s"}}}
STRATEGIES: dict[str, dict[str, dict[str, Any]]] = {
    "canary": CANARY, "rolling": ROLLING, "stop-first": STOP_FIRST, "blue-green": BLUE_GREEN,
}  # fmt: skip
FORWARD = (
    "check_plan: performed", "run_hooks: performed", "apply: performed", "govern: performed",
    "shift: performed", "watch: performed", "retire: performed", "settle: performed",
)  # fmt: skip
BACK = (
    "shift: journalled", "watch: journalled", "shift: performed", "govern: performed",
    "retire: performed", "settle: performed",
)  # fmt: skip
"""Once forward, then the verdict, then the way back."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, str]]:
    """A folder where a first release runs, without a control plane; and its gateway."""
    folder = tmp_path_factory.mktemp("killed")
    try:
        first = await asyncio.to_thread(run, folder, "", {})
        assert first is not None
        assert first.status == "succeeded"
        yield folder, first.gateway
    finally:
        await clear_local(open_state(folder, stamp="test").state)


async def test_killed_at_each_kind_of_boundary_it_succeeds(place: tuple[Path, str]) -> None:
    await killed_all_the_way(place, GOOD, FORWARD, "succeeded")


async def test_killed_on_the_way_back_it_gets_back(place: tuple[Path, str]) -> None:
    await killed_all_the_way(place, BAD, BACK, "rolled_back")


@pytest.mark.matrix
@pytest.mark.parametrize("strategy", [*STRATEGIES])
@pytest.mark.parametrize("text", ["good", "errors"])
async def test_killed_at_every_boundary_of_a_strategy(
    place: tuple[Path, str], strategy: str, text: str
) -> None:
    """One deployment passes undisturbed, and the next is killed wherever that one has been."""
    folder, _ = place
    boundaries(folder)
    status = "succeeded" if text == "good" else "rolled_back"
    await killed_all_the_way(place, changed(strategy, text, "whole"), (), status)
    *every, over = boundaries(folder)
    assert over.endswith("over")
    assert len(every) >= 24
    await killed_all_the_way(place, changed(strategy, text, "killed"), tuple(every), status)


def changed(strategy: str, text: str, when: str) -> dict[str, Any]:
    """A release of both services. A bad one has time enough to be found in its first stage."""
    name = f"{strategy}-{text}-{when}"
    if text == "good":
        return {"axon": name, "orbit": name, "strategy": STRATEGIES[strategy]}
    ((kind, settings),) = STRATEGIES[strategy].items()
    slos = {"asking": {"service": "axon", "intent": "ask", "availability": 99.0}}
    slow = {kind: {**settings, "bake": "20s"}}
    return {"axon": text, "orbit": name, "strategy": slow, "app": {"slos": slos}}


async def killed_all_the_way(
    place: tuple[Path, str], change: dict[str, Any], chain: tuple[str, ...], status: str
) -> None:
    folder, gateway = place
    async with (
        steady_load(f"{gateway}/axon/x", RATE) as load,
        steady_load(f"{gateway}/orbit/x", RATE) as other,
    ):
        wanted: dict[str, Any] | None = change
        for at in chain:
            assert await asyncio.to_thread(run, folder, at, wanted) is None, f"not killed at {at}"
            wanted = None
        ended = await asyncio.to_thread(run, folder, "", wanted)
        over = time.monotonic()
        await asyncio.sleep(0.3)
    assert ended is not None
    right_end(ended, status)
    assert other.failed == {}
    assert not [words for words in load.failed if not words.startswith("500 axon")]
    version = ended.new if status == "succeeded" else ended.old
    assert {body.split(":")[1] for body in load.bodies(over)} == {version}
    if status == "succeeded":
        assert load.failed == {}


def right_end(ended: End, status: str) -> None:
    assert ended.status == status, ended.reason
    assert ended.serves == {ended.new if status == "succeeded" else ended.old: 2}
    assert ended.drift == []
