"""What is changed behind Fairway's back is found, named and put right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.test_local_target_rollout import BOTH, LEASE, deployed
from tests.local_target_rig import LocalRig
from tests.waiting import PATIENCE, eventually

from fairway.errors import Conflict
from fairway.targets.contract import Drift, Wanted
from fairway.targets.local.listeners import foreign_listeners
from fairway.targets.local.process_table import INSTANCE_VARIABLE, TOKEN_VARIABLE

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[LocalRig]:
    """Both services of release 1, settled."""
    made = LocalRig(tmp_path)
    try:
        await made.start()
        await deployed(made, made.release(1, orbit="another"), *BOTH, replicas=1)
        yield made
    finally:
        await made.close()


async def kinds(rig: LocalRig) -> list[tuple[str, str]]:
    return [(drift.kind, drift.subject) for drift in await rig.target.drift()]


async def repaired(rig: LocalRig) -> tuple[Drift, ...]:
    """Repair everything; what is left."""
    await rig.target.repair(await rig.target.drift(), LEASE)
    return await rig.target.drift()


async def test_an_edited_envoy_file_is_written_again(rig: LocalRig) -> None:
    routes = rig.state.mesh("axon") / "rds.inbound.json"
    routes.write_text(routes.read_text().replace('"ALLOW"', '"DENY"'))
    (rig.state.mesh("orbit") / "cds.json").unlink()
    assert await kinds(rig) == [
        ("mesh-file", "axon/rds.inbound.json"),
        ("mesh-file", "orbit/cds.json"),
    ]
    assert await repaired(rig) == ()
    assert set(await rig.ask("axon", 4)) == {"200 r1 one"}


async def test_a_stopped_process_is_replaced(rig: LocalRig) -> None:
    """SIGSTOP: it lives, and answers nobody."""
    frozen = rig.pids("axon", "r1")[0]
    os.kill(frozen, signal.SIGSTOP)
    await eventually(lambda: rig.healthy("axon", "r1") == 0)
    assert await kinds(rig) == [("process", "axon.r1")]
    assert await repaired(rig) == ()
    assert rig.pids("axon", "r1") != [frozen]


async def test_another_number_of_replicas_is_scaled_back(rig: LocalRig) -> None:
    assert rig.plane is not None
    await rig.plane.scale("axon", 3)
    assert await kinds(rig) == [("replicas", "axon.r1")]
    assert await repaired(rig) == ()
    assert len(rig.pids("axon", "r1")) == 1


async def test_scaling_outlives_the_control_plane(rig: LocalRig) -> None:
    assert rig.plane is not None
    await rig.plane.scale("axon", 2)
    before = rig.pids("axon", "r1")
    await rig.restart()
    assert rig.pids("axon", "r1") == before


async def test_a_version_that_nobody_settled_is_stopped(rig: LocalRig) -> None:
    await rig.target.apply(rig.release(2, axon="two"), [Wanted("axon", "r2", 1)], LEASE)
    assert await kinds(rig) == [("version", "axon.r2")]
    assert await repaired(rig) == ()
    assert rig.pids("axon", "r2") == []


async def test_a_changed_snapshot_needs_people(rig: LocalRig) -> None:
    version = rig.system.desired.find("axon", "r1")
    assert version is not None
    text = rig.system.snapshots.path(version.artifact) / "text"
    text.chmod(0o600)
    text.write_text("evil")
    found = await rig.target.drift()
    assert [(drift.kind, drift.subject) for drift in found] == [("version", "axon.r1")]
    assert "text" in found[0].found
    with pytest.raises(Conflict, match="changed there"):
        await rig.target.repair(found, LEASE)


async def test_policies_changed_behind_are_put_back(rig: LocalRig) -> None:
    assert rig.plane is not None
    await rig.plane.activate_policy_set(2, author="mallory")
    bundle = rig.state.policy_bundle
    bundle.write_text("{}")
    assert await kinds(rig) == [("policies", "policies"), ("policies", "policy bundle")]
    assert await repaired(rig) == ()


async def test_a_stray_process_of_ours_is_ended(rig: LocalRig) -> None:
    marks = {INSTANCE_VARIABLE: rig.state.instance, TOKEN_VARIABLE: "service/axon/0/lost"}
    stray = subprocess.Popen(["sleep", "60"], env={**os.environ, **marks})
    try:
        assert await kinds(rig) == [("unknown-process", f"process {stray.pid}")]
        assert await repaired(rig) == ()
        assert stray.wait(PATIENCE) == -signal.SIGTERM
    finally:
        stray.kill()


async def test_a_stranger_on_a_port_of_ours_is_named(rig: LocalRig) -> None:
    assert rig.plane is not None
    taken = rig.system.supervisor.status()[0].port  # type: ignore[union-attr]
    assert taken is not None
    listen = f"import socket; s = socket.create_server(('127.0.0.2', {taken})); s.accept()"
    stranger = subprocess.Popen([sys.executable, "-c", listen])
    try:
        await eventually(lambda: taken in foreign_listeners({taken}, rig.system.processes.ours()))
        found = await rig.target.drift()
        assert [(drift.kind, drift.subject) for drift in found] == [
            ("unknown-process", f"port {taken}")
        ]
        assert str(stranger.pid) in found[0].found
        with pytest.raises(Conflict):
            await rig.target.repair(found, LEASE)
    finally:
        stranger.kill()
        stranger.wait()
