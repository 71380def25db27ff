"""What a running system repairs by itself: killed Envoys, changes that missed one, certificates."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import psutil
import pytest
from tests.driver import Driver, clean_environment, running
from tests.e2e.mesh_rig import DeclaredCalls, rig
from tests.waiting import PATIENCE, eventually, until

from fairway.errors import Unavailable
from fairway.governance.bundle import build_bundle
from fairway.governance.generate import generate_policies
from fairway.model.app import App
from fairway.model.views import environment_view
from fairway.targets.local.blueprint import Blueprint
from fairway.targets.local.layout import open_state
from fairway.targets.local.policies import Rules
from fairway.targets.local.system import LocalSystem

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

PROGRAM = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    await send(start)
    await send({"type": "http.response.body", "body": b"ok"})
"""
RUN = "uvicorn program:app --port $PORT --lifespan off --log-level warning"
SERVICES = {
    "axon": {"run": RUN, "health": "/health", "intents": {"reason": "GET /reason"}},
    "orbit": {"run": RUN, "health": "/health", "calls": {"axon": ["reason"]}},
}
DECLARED = {
    "app": "healing",
    "services": SERVICES,
    "clients": {"web": {"calls": {"axon": ["reason"]}}},
    "environments": {"local": {"target": "local"}},
}


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "fairway.yaml").write_text(App.model_validate(DECLARED).model_dump_json())
    with running(Driver(tmp_path, clean_environment())) as started:
        yield started


def test_killed_envoys_are_started_again_within_seconds(driver: Driver) -> None:
    url = driver.variables("orbit")["AXON_URL"]
    before = driver.pids()
    for name in ("envoy axon", "envoy orbit"):
        psutil.Process(before[name]).kill()
    until(lambda: _answers(url))
    after = driver.pids()
    assert {name for name in before if before[name] != after[name]} == {"envoy axon", "envoy orbit"}
    told = (driver.state / "logs" / "control.log").read_text()
    assert told.count("died and was started again") == 2


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(f"{url}/reason", timeout=2).status_code == 200
    return False


async def test_a_policy_change_reaches_an_envoy_that_had_just_died(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        pid = world.mesh.envoy("axon").pid
        assert pid is not None
        os.kill(pid, 9)
        psutil.Process(pid).wait(PATIENCE)
        world.access = DeclaredCalls(world.app, frozenset({("orbit", "axon", "reason")}))
        await world.apply()
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 403
        assert await world.mesh.heal() == ("axon",)


async def test_a_change_that_missed_an_envoy_is_brought_there_later(tmp_path: Path) -> None:
    """Its admin socket is away for a moment: the old policy must not stay in force."""
    async with rig(tmp_path) as world:
        socket = world.mesh.envoy("axon").place.paths.admin
        socket.rename(socket.with_suffix(".away"))
        world.access = DeclaredCalls(world.app, frozenset({("orbit", "axon", "reason")}))
        with pytest.raises(Unavailable):
            await world.apply()
        socket.with_suffix(".away").rename(socket)
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        assert await world.mesh.heal() == ()
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 403


async def test_a_renewal_that_missed_an_envoy_is_made_up_for(tmp_path: Path) -> None:
    async with rig(tmp_path, lifetime=timedelta(minutes=6)) as world:
        before = (await world.mesh.status())["axon"].certificate_expires
        socket = world.mesh.envoy("axon").place.paths.admin
        socket.rename(socket.with_suffix(".away"))
        world.clock.ahead = timedelta(minutes=4)
        with pytest.raises(Unavailable):
            await world.mesh.renew()
        socket.with_suffix(".away").rename(socket)
        await world.mesh.heal()
        after = (await world.mesh.status())["axon"].certificate_expires
        assert before is not None
        assert after is not None
        assert after > before


@contextlib.asynccontextmanager
async def short_lived(folder: Path, lifetime: timedelta) -> AsyncIterator[tuple[LocalSystem, Told]]:
    """The whole system around two programs, with certificates of that lifetime."""
    (folder / "program.py").write_text(PROGRAM)
    app = environment_view(App.model_validate(DECLARED), "local")
    state = open_state(folder, stamp="test").state
    told: Told = []
    system = LocalSystem(
        Blueprint(app, state, clean_environment(), None),
        lambda kind, subject, words: told.append((kind, subject)),
        lambda event: None,
        lifetime,
    )
    system.lock()
    try:
        bundle = build_bundle(app, "local", 1, generate_policies(app))
        await system.start(lambda app: Rules(bundle, DeclaredCalls(app)))
        yield system, told
    finally:
        await system.stop()


Told = list[tuple[str, str]]


async def test_short_lived_certificates_are_renewed_while_calls_go_on(tmp_path: Path) -> None:
    async with (
        short_lived(tmp_path, timedelta(seconds=8)) as (system, told),
        httpx2.AsyncClient(timeout=5) as http,
    ):
        url = f"http://127.0.0.1:{system.ports.egress_to['orbit', 'axon']}/reason"
        ends = time.monotonic() + 12  # half as long again as any certificate lasts
        while time.monotonic() < ends or not {"axon", "orbit"} <= renewed_twice(told):
            assert time.monotonic() < ends + PATIENCE
            assert (await http.get(url)).status_code == 200
            assert await _as_client(tmp_path, system) == 200
            await asyncio.sleep(0.1)
    assert not [kind for kind, _ in told if kind.endswith(".failed")]


def renewed_twice(told: Told) -> set[str]:
    """Whose certificate was renewed at least twice."""
    subjects = [subject for kind, subject in told if kind == "certificate.renewed"]
    return {subject for subject in subjects if subjects.count(subject) >= 2}


async def _as_client(folder: Path, system: LocalSystem) -> int:
    """A call with the files of a client: a new connection, so with its present certificate."""
    identity = folder / ".fairway" / "local" / "identity" / "web"
    tls = ssl.create_default_context(cafile=str(identity / "authorities.pem"))
    tls.check_hostname = False
    tls.load_cert_chain(identity / "certificate.pem", identity / "key.pem")
    async with httpx2.AsyncClient(verify=tls) as http:
        url = f"https://127.0.0.1:{system.ports.inbound['axon']}/reason"
        return (await http.get(url)).status_code


async def test_a_repair_that_fails_is_told_once_and_tried_again(tmp_path: Path) -> None:
    async with short_lived(tmp_path, timedelta(seconds=4)) as (_, told):
        identity = tmp_path / ".fairway" / "local" / "identity" / "axon"
        identity.rename(identity.with_name("away"))
        identity.write_text("no folder")
        await eventually(lambda: "certificate.failed" in dict(told))
        at = [kind for kind, _ in told].index("certificate.failed")
        await asyncio.sleep(2)  # tried again, and failed again
        identity.unlink()
        identity.with_name("away").rename(identity)
        await eventually(lambda: ("certificate.renewed", "axon") in told[at:])
        assert [kind for kind, _ in told].count("certificate.failed") == 1


def test_nothing_in_the_state_is_readable_for_anyone_else(driver: Driver) -> None:
    url = driver.variables("orbit")["AXON_URL"]
    assert _answers(url)
    places = [*driver.state.parent.rglob("*")]
    until(lambda: (driver.state / "logs" / "axon.access.log").stat().st_size)
    assert [str(p) for p in places if p.lstat().st_mode & 0o077] == []
