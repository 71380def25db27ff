"""Weights, endpoints, policies and certificates change under traffic: nothing is dropped or cut."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import psutil
import pytest
import websockets
from tests.e2e.mesh_rig import Rig, new_mesh, reweighted, rig
from tests.waiting import PATIENCE

from fairway.targets.local.layout import write_private
from fairway.targets.local.ledger import Ledger
from fairway.targets.local.mesh.confirming import EnvoyRejected
from fairway.targets.local.mesh.envoy import Envoy
from fairway.targets.local.processes import Processes
from fairway.targets.mesh.render import render
from fairway.targets.mesh.render.document import (
    Json,
)
from fairway.targets.mesh.view import Version
from fairway_runtime.agent.files import (
    response,
)

pytestmark = pytest.mark.envoy


class Load:
    """Calls of orbit to axon, several at a time, one after the other, until told to stop."""

    def __init__(self, world: Rig) -> None:
        self._world = world
        self._ends = False
        self.answers: Counter[int | str] = Counter()

    async def caller(self) -> None:
        url = self._world.egress("orbit", "axon") + "/reason"
        async with httpx2.AsyncClient(timeout=10) as client:
            while not self._ends:
                try:
                    answer = await client.post(url)
                    self.answers[answer.status_code] += 1
                except httpx2.TransportError as error:
                    self.answers[type(error).__name__] += 1

    def stop(self) -> None:
        self._ends = True


@contextlib.asynccontextmanager
async def under_load(world: Rig) -> AsyncIterator[Load]:
    """Traffic while the body runs; afterwards every single answer must have been a 200."""
    load = Load(world)
    callers = [asyncio.create_task(load.caller()) for _ in range(4)]
    yield load
    load.stop()
    await asyncio.gather(*callers)
    assert set(load.answers) == {200}, load.answers
    assert load.answers[200] > 50


@contextlib.asynccontextmanager
async def uncut_streams(world: Rig) -> AsyncIterator[None]:
    """A streaming response and a WebSocket that are open before the body and still after it."""
    url = f"ws://127.0.0.1:{world.ports.gateway}/chat"
    async with (
        websockets.connect(url) as socket,
        world.http.stream("GET", world.gateway + "/stream") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "0"
        await socket.send("before")
        assert await socket.recv() == "orbit:before"
        yield
        await socket.send("after")
        assert await socket.recv() == "orbit:after"
        assert [line async for line in lines][-1] == "end"


async def test_weights_change_under_load(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, under_load(world), uncut_streams(world):
        new = await world.program("axon")
        new.name = "axon-new"
        both = (*world.versions["axon"], Version("r2", 0, (new.port,)))
        for weights in [(100, 0), (95, 5), (50, 50), (5, 95), (0, 100)]:
            await world.apply(axon=reweighted(both, *weights))
            await asyncio.sleep(0.1)
        assert (await world.call("orbit", "axon", "POST", "/reason")).text == "axon-new"
        await world.apply(axon=(Version("r2", 100, (new.port,)),))
        assert (await world.call("orbit", "axon", "POST", "/reason")).text == "axon-new"
        assert (await world.mesh.status())["axon"].counters.rejected_files == 0


async def test_a_release_of_two_services_under_load_drains_and_loses_nothing(
    tmp_path: Path,
) -> None:
    """Two more versions with listeners of their own come, thirty shifts, and the old ones go."""
    moved = ("orbit", "axon")
    async with rig(tmp_path) as world, under_load(world), uncut_streams(world):
        before = await _drained(world)
        await world.release(*moved)
        updates = await _listener_updates(world)
        for number in range(30):
            await world.shift(round(number * 100 / 29), moved)
        assert await _listener_updates(world) == updates
        for service in moved:
            world.versions[service] = reweighted(world.versions[service][1:], 100)
        world.routing = None
        await world.apply()
        assert (await world.call("orbit", "axon", "POST", "/reason")).text == "axon-r8"
        assert await _drained(world) == before


async def _drained(world: Rig) -> int:
    found = [
        await world.mesh.envoy(name).admin.statistics(r"downstream_cx_drain_close$")
        for name in ("orbit", "axon", "gateway")
    ]
    return sum(int(value) for each in found for value in each.values())


async def _listener_updates(world: Rig) -> list[int | str]:
    name = "listener_manager.lds.update_success"
    return [
        (await world.mesh.envoy(service).admin.statistics(f"^{name}$"))[name]
        for service in ("orbit", "axon", "gateway")
    ]


async def test_streams_survive_changes_of_their_own_route_and_certificates(tmp_path: Path) -> None:
    async with rig(tmp_path, lifetime=timedelta(minutes=6)) as world, uncut_streams(world):
        old = world.versions["orbit"]
        replacement = await world.program("orbit")
        both = (*old, Version("r2", 50, (replacement.port,)))
        await world.apply(orbit=both)
        world.clock.ahead = timedelta(minutes=4)
        assert set(await world.mesh.renew()) == {"axon", "orbit", "rogue", "gateway"}
        await world.apply(orbit=both[1:])


async def test_endpoints_change_under_load(tmp_path: Path) -> None:
    async with rig(tmp_path) as world, under_load(world):
        for _ in range(3):
            old = world.programs["axon"][-1]
            new = await world.program("axon")
            await world.apply(axon=(Version("r1", 100, (new.port,)),))
            served = len(old.seen)
            assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
            assert new.seen
            assert len(old.seen) == served
            await old.stop()


async def test_certificates_rotate_under_load(tmp_path: Path) -> None:
    async with rig(tmp_path, lifetime=timedelta(seconds=8)) as world, under_load(world):
        first = (await world.mesh.status())["axon"].certificate_expires
        for _ in range(12):  # half as long again as any certificate lasts
            await asyncio.sleep(1)
            await world.mesh.renew()
        last = (await world.mesh.status())["axon"].certificate_expires
        assert first is not None
        assert last is not None
        assert last > first


async def test_a_connection_made_after_a_rotation_uses_the_new_certificate(tmp_path: Path) -> None:
    async with rig(tmp_path, lifetime=timedelta(minutes=6)) as world:
        before = await _serial(world)
        world.clock.ahead = timedelta(minutes=4)
        assert "axon" in await world.mesh.renew()
        assert await _serial(world) != before
        assert await world.mesh.renew() == ()


async def _serial(world: Rig) -> object:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", world.ports.inbound["axon"], ssl=world.tls_as("orbit")
    )
    certificate = writer.get_extra_info("ssl_object").getpeercert()
    writer.close()
    return certificate["serialNumber"]


async def test_a_rejected_file_is_reported_and_the_one_before_stays(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        envoy: Envoy = world.mesh.envoy("axon")
        good = dict(render(world.view(), "axon", envoy.place.paths))
        with pytest.raises(EnvoyRejected) as caught:
            await envoy.roll_out({**envoy.files(), "rds.inbound.json": _without_domains(good)})
        assert caught.value.file.name == "rds.inbound.json"
        assert "Domains: value must contain at least 1 item" in caught.value.reason
        assert json.loads(caught.value.file.read_text()) == good["rds.inbound.json"]
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        await world.apply()
        assert (await world.mesh.status())["axon"].counters.rejected_files == 1


def _without_domains(files: dict[str, Json]) -> Json:
    routes = files["rds.inbound.json"]["resources"][0]
    hosts = [{**host, "domains": []} for host in routes["virtual_hosts"]]
    return response([{**routes, "virtual_hosts": hosts}])


async def test_a_port_that_is_taken_is_reported_with_envoys_reason(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        world.ports.egress["rogue"] = port  # type: ignore[index]
        async with taken:
            with pytest.raises(EnvoyRejected) as caught:
                await world.mesh.apply(world.view())
        assert caught.value.file.name == "lds.json"
        assert "bind" in caught.value.reason


async def test_envoys_outlive_the_control_plane_and_are_adopted(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        pids = {state.pid for state in (await world.mesh.status()).values()}
        # A control plane that was killed: nothing of it is left but the files and the Envoys.
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        processes = Processes(Ledger(tmp_path / "ledger.json"), tmp_path.name)
        survivors = processes.survey().running
        new = await world.program("axon")
        world.versions["axon"] = (Version("r2", 1, (new.port,)),)
        second = new_mesh(tmp_path, world.authority, world.clock, processes, survivors)
        assert set(await second.start(world.view())) == {"axon", "orbit", "rogue", "gateway"}
        assert {state.pid for state in (await second.status()).values()} == pids
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        assert len(new.seen) == 1
        world.mesh = second


async def test_an_adopted_envoy_is_brought_back_to_files_that_it_has_missed(
    tmp_path: Path,
) -> None:
    """The control plane died between writing a file and learning that Envoy rejects it."""
    async with rig(tmp_path) as world:
        file = tmp_path / "mesh" / "axon" / "rds.inbound.json"
        write_private(file, b'{"version_info": "half", ')
        processes = Processes(Ledger(tmp_path / "ledger.json"), tmp_path.name)
        second = new_mesh(
            tmp_path, world.authority, world.clock, processes, processes.survey().running
        )
        assert "axon" in await second.start(world.view())
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        world.mesh = second


async def test_an_envoy_that_dies_is_started_again_with_the_same_files(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        pid = (await world.mesh.status())["axon"].pid
        assert pid is not None
        os.kill(pid, 9)
        psutil.Process(pid).wait(PATIENCE)
        assert (await world.mesh.status())["axon"].state == "down"
        assert await world.mesh.heal() == ("axon",)
        assert (await world.call("orbit", "axon", "POST", "/reason")).status_code == 200
        assert (await world.mesh.status())["axon"].pid != pid
        assert await world.mesh.heal() == ()


async def test_a_service_comes_and_goes(tmp_path: Path) -> None:
    async with rig(tmp_path) as world:
        whole = world.app
        services = {n: s for n, s in whole.services.items() if n != "rogue"}
        world.app = whole.model_copy(update={"services": services})
        await world.mesh.apply(world.view())
        assert "rogue" not in await world.mesh.status()
        world.app = whole
        await world.mesh.apply(world.view())
        assert (await world.mesh.status())["rogue"].state == "live"
        assert (await world.call("rogue", "orbit", "POST", "/dispatch")).status_code == 200
