"""The agent beside a real Envoy: changes under load, AWS away, renewal, reports, an orderly end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx2
import pytest
from tests.aws.moto_rig import Moto
from tests.e2e.aws_mesh_rig import BUCKET, TABLE, World, world
from tests.waiting import PATIENCE, eventually

from fairway.targets.aws.measuring.totals import traffic_of
from fairway.targets.aws.mesh import ports
from fairway.targets.aws.mesh.documents import mesh_key
from fairway.targets.contract import Routing, Split

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

ONE = {"axon": {"r1": 100}, "orbit": {"r1": 100}}
TWO = {"axon": {"r1": 100, "r8": 0}, "orbit": {"r1": 100}}


@dataclass
class Load:
    """What a stream of requests met."""

    sent: int = 0
    lost: int = 0


@asynccontextmanager
async def load(url: str, method: str = "POST") -> AsyncIterator[Load]:
    """Several clients that ask one thing after the other."""
    found, going = Load(), True

    async def ask() -> None:
        async with httpx2.AsyncClient(verify=False, timeout=10) as client:
            while going:
                found.sent += 1
                try:
                    answer = await client.request(method, url)
                    found.lost += answer.status_code != 200
                except httpx2.HTTPError:
                    found.lost += 1

    clients = [asyncio.create_task(ask()) for _ in range(4)]
    try:
        yield found
    finally:
        going = False
        await asyncio.gather(*clients)


@pytest.mark.slow
async def test_a_whole_release_loses_no_request(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.start_all()
        aws.task("orbit", "r1").program.calls = f"{aws.egress('orbit', 'r1', 'axon')}/reason"
        async with load(aws.gateway) as through:
            await asyncio.sleep(0.3)
            r1 = aws.standing.services["axon"][0]
            aws.standing = replace(
                aws.standing,
                services={**aws.standing.services, "axon": (r1, replace(r1, name="r8", weight=0))},
                routing=Routing({"axon": Split({"r1": 100, "r8": 0}, "r8")}, "r8"),
            )
            await aws.publish(wait=False)
            await aws.start("axon", "r8")
            for percent in (5, 25, 50, 100):
                await aws.shift(percent, "axon")
                await asyncio.sleep(0.3)
            r8 = aws.standing.services["axon"][1]
            aws.standing = replace(
                aws.standing,
                services={**aws.standing.services, "axon": (replace(r8, weight=100),)},
                routing=None,
            )
            await aws.publish(wait=False)
            await asyncio.sleep(1.5)
            assert await aws.stop(aws.task("axon", "r1")) == 0
            await asyncio.sleep(0.3)
        assert through.lost == 0
        assert through.sent > 50
        assert {aws.task("axon", v).program.seen != [] for v in ("r1", "r8")} == {True}


@pytest.mark.parametrize("how", ["its app ends", "it ends without a word"])
async def test_a_task_that_dies_while_its_name_is_still_there_loses_no_request(
    moto: Moto, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.start_all()
        twin = await aws.start_twin("axon", "r1")
        url = f"{aws.egress('orbit', 'r1', 'axon')}/items/7"
        async with load(url, "GET") as calls:
            await eventually(lambda: bool(twin.program.seen))
            if how == "its app ends":
                await twin.program.stop()
            else:
                twin.agent._envoy._process.kill()
            await asyncio.sleep(1.5)
        assert calls.lost == 0
        assert calls.sent > 50


async def test_it_goes_on_while_s3_is_away_and_starts_with_what_it_had(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.start_all()
        url = f"{aws.egress('orbit', 'r1', 'axon')}/reason"
        aws.wire.cut = True
        await asyncio.sleep(1.0)
        assert (await aws.http.post(url)).status_code == 200
        orbit = aws.task("orbit", "r1")
        before = orbit.agent.state.mesh_version
        assert await aws.stop(orbit) == 0
        await aws.start("orbit", "r1")
        assert orbit.agent.state.mesh_version == before
        assert (await aws.http.post(url)).status_code == 200
        aws.wire.cut = False
        await aws.shift(100, "orbit")
        assert (await aws.http.post(url)).status_code == 200


async def test_a_document_that_envoy_rejects_changes_nothing_and_is_reported(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.start_all()
        task = aws.task("orbit", "r1")
        good = task.agent.state.mesh_version
        s3, key = moto.client("s3"), mesh_key("orbit", "r1")
        document = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        routes = document["files"]["rds.egress.json"]
        routes["version_info"] = "bad"
        routes["resources"][0]["virtual_hosts"][0]["domains"] = []
        bad = json.dumps(document | {"version": "bad"}).encode()
        s3.put_object(Bucket=BUCKET, Key=key, Body=bad)
        await eventually(lambda: bool(task.agent.state.problem))
        assert task.agent.state.mesh_version == good
        url = f"{aws.egress('orbit', 'r1', 'axon')}/reason"
        assert (await aws.http.post(url)).status_code == 200
        await eventually(lambda: "rds.egress.json" in item(moto, "orbit", "r1").get("problem", ""))
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"no JSON")
        await asyncio.sleep(0.5)
        task.agent._follower.state = replace(task.agent.state, problem="")
        await aws.publish()
        assert task.agent.state.problem == ""


@pytest.mark.slow
async def test_certificates_are_renewed_at_half_life_without_a_gap(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE, lifetime=timedelta(seconds=10)) as aws:
        await aws.start_all()
        secret = aws.task("axon", "r1").folder / "agent" / "envoy" / "sds.identity.json"
        first = secret.read_text()
        async with load(f"{aws.egress('orbit', 'r1', 'axon')}/reason") as calls:
            await asyncio.sleep(15)  # half as long again as any certificate lasts
        assert secret.read_text() != first
        assert calls.lost == 0
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def item(moto: Moto, service: str, version: str) -> dict[str, str]:
    """The row of the one task of a version."""
    found = moto.client("dynamodb").query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"{service}#{version}"}},
    )["Items"]
    return {name: next(iter(value.values())) for name, value in found[0].items()} if found else {}


async def test_it_reports_what_is_in_force_and_running_totals(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.start_all()
        program = aws.task("axon", "r1").program
        url = f"{aws.egress('orbit', 'r1', 'axon')}/reason"
        program.fail_next = 3
        for _ in range(20):
            await aws.http.post(url)

        def counted() -> bool:
            """Envoy's histograms come half a second after its counters."""
            return sum(traffic_of(item(moto, "axon", "r1")["totals"]).latency.values()) == 20

        await eventually(counted)
        row = item(moto, "axon", "r1")
        traffic = traffic_of(row["totals"])
        assert (traffic.requests, traffic.errors) == (20, 3)
        state = aws.task("axon", "r1").agent.state
        assert (row["mesh_version"], row["handouts_version"]) == (
            state.mesh_version, state.handouts_version,
        )  # fmt: skip
        assert float(row["ttl"]) - float(row["at"]) > 6 * 86_400
        assert (
            item(moto, "gateway", "")["mesh_version"]
            == aws.task("gateway").agent.state.mesh_version
        )
        reporter = aws.task("axon", "r1").agent._reporter
        await reporter._send_metrics()
        metrics = moto.client("cloudwatch").list_metrics(Namespace="Fairway")["Metrics"]
        assert {metric["MetricName"] for metric in metrics} >= {"Requests", "Errors"}


async def test_the_app_is_handed_its_files_and_no_others(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.publish()
        await aws.start("axon", "r1")
        await aws.start("orbit", "r1")
        folder = aws.task("axon", "r1").folder / "fairway"
        files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        assert files == [
            "config.json", "flags.json", "identity/signing.json", "identity/verifying.json",
            "policies.json",
        ]  # fmt: skip
        assert json.loads((folder / "config.json").read_text()) == {"depth": 3}
        assert json.loads((folder / "identity" / "signing.json").read_text()) == {
            "identity": "axon"
        }
        assert {stat.S_IMODE((folder / file).stat().st_mode) for file in files} == {0o600}
        others = aws.task("orbit", "r1").folder / "fairway"
        assert [path.name for path in others.rglob("*")] == ["flags.json"]


async def agent(world_: World, *arguments: str, **more: str) -> asyncio.subprocess.Process:
    """The agent as its container has it: a process of its own."""
    task = world_.task("gateway")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fairway_runtime.agent", *arguments,
        env=os.environ | world_.variables(task) | more,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
async def test_as_a_process_it_is_healthy_drains_and_ends(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, {"axon": {"r1": 100}, "orbit": {"r1": 100}}) as aws:
        await aws.publish()
        await aws.start("orbit", "r1")
        assert await (await agent(aws, "health")).wait() == 1
        process = await agent(aws, "run", FAIRWAY_DRAIN_DELAY="2")
        try:

            async def healthy() -> bool:
                return await (await agent(aws, "health")).wait() == 0

            await eventually(healthy)
            probe = f"http://{aws.task('gateway').address}:{ports.HEALTH}/ready"
            assert (await aws.http.get(probe)).status_code == 200
            assert (await aws.http.post(aws.gateway)).text == "orbit-r1"
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.7)
            assert (await aws.http.get(probe)).status_code == 503
            assert await (await agent(aws, "health")).wait() == 1
            assert (await aws.http.post(aws.gateway)).text == "orbit-r1"
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
        finally:
            if process.returncode is None:
                process.kill()
        assert process.stderr is not None
        assert b"BEGIN" not in await process.stderr.read()


async def test_when_envoy_ends_the_agent_does(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(moto, monkeypatch, {"axon": {"r1": 100}}) as aws:
        await aws.publish()
        task = await aws.start("axon", "r1")
        task.agent._envoy._process.kill()
        assert await asyncio.wait_for(task.running, PATIENCE) == 1


async def test_what_is_missing_is_named() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fairway_runtime.agent", "run",
        env={"PATH": os.environ["PATH"]}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, error = await process.communicate()
    assert process.returncode == 2
    assert b"FAIRWAY_CONFIG_BUCKET is not set" in error
