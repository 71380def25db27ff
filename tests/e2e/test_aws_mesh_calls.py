"""The mesh on ECS with real Envoys: who may call whom, how callers divide, what stays together."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from tests.aws.moto_rig import Moto
from tests.e2e.aws_mesh_rig import FUNCTION, World, world
from tests.e2e.mesh_rig import REFUSED
from tests.waiting import eventually

from fairway.targets.aws.mesh import ports
from fairway_runtime.agent.cloud import Cloud
from fairway_runtime.agent.identity import obtain

pytestmark = [pytest.mark.envoy, pytest.mark.xdist_group("system")]

ONE = {"axon": {"r1": 100}, "orbit": {"r1": 100}, "rogue": {"r1": 100}}
TWO = {"axon": {"r1": 100, "r8": 0}, "orbit": {"r1": 100, "r8": 0}}


def tls_as(service: str) -> ssl.SSLContext:
    """What a task of a service presents, with a certificate from the function."""
    files = obtain(Cloud(), f"{FUNCTION}:{service}", datetime.now(UTC)).files
    secret = files["sds.identity.json"]["resources"][0]["tls_certificate"]
    trust = files["sds.trust.json"]["resources"][0]["validation_context"]["trusted_ca"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=trust["inline_string"])
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "both.pem"
        pem.write_text(
            secret["certificate_chain"]["inline_string"] + secret["private_key"]["inline_string"]
        )
        context.load_cert_chain(pem)
    return context


async def test_a_declared_call_passes_with_mutual_tls_and_all_others_are_refused(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, ONE) as aws:
        await aws.start_all()
        answer = await aws.http.post(f"{aws.egress('orbit', 'r1', 'axon')}/reason")
        assert (answer.status_code, answer.text) == (200, "axon-r1")
        seen = aws.task("axon", "r1").program.seen[-1]
        assert "URI=spiffe://shop.prod/orbit" in seen.headers["x-forwarded-client-cert"]
        assert (await aws.http.post(f"{aws.gateway}/anything")).text == "orbit-r1"

        undeclared = await aws.http.post(f"{aws.egress('orbit', 'r1', 'axon')}/forget")
        assert undeclared.status_code == 403
        elsewhere = f"http://{aws.task('rogue', 'r1').address}:{ports.EGRESS}"
        by_host = await aws.http.post(f"{elsewhere}/reason", headers={"host": "axon.internal"})
        assert by_host.status_code == 403

        inbound = f"https://{aws.task('axon', 'r1').address}:{ports.INBOUND}"
        rogue, orbit = (
            await asyncio.to_thread(tls_as, "rogue"),
            await asyncio.to_thread(tls_as, "orbit"),
        )
        async with httpx2.AsyncClient(verify=rogue) as intruder:
            refused = await intruder.post(f"{inbound}/reason")
        assert refused.status_code == 403
        assert "spiffe://shop.prod/rogue" in refused.json()["reason"]
        async with httpx2.AsyncClient(verify=orbit) as caller:
            assert (await caller.post(f"{inbound}/reason")).status_code == 200
        with pytest.raises(REFUSED):
            await aws.http.post(f"{inbound}/reason")


async def test_callers_divide_and_cohorts_stay_together(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(moto, monkeypatch, TWO) as aws:
        await aws.start_all()
        for version in ("r1", "r8"):
            program = aws.task("orbit", version).program
            program.calls = f"{aws.egress('orbit', version, 'axon')}/reason"
        await aws.shift(25, "orbit", "axon")
        paths = Counter([await through(aws) for _ in range(400)])
        assert set(paths) == {"orbit-r1>axon-r1", "orbit-r8>axon-r8"}
        assert 70 <= paths["orbit-r8>axon-r8"] <= 135

        by_cookie = [await at_home(aws) for _ in range(8)]
        assert all(len(set(answers)) == 1 for answers in by_cookie)
        tester = await aws.http.post(f"{aws.gateway}/", headers={"x-fairway-preview": "canary"})
        assert tester.text == "orbit-r8>axon-r8"
        claims = {
            "x-fairway-cohort": "r8",
            "baggage": "fairway.cohort=r8,mine=1",
            "x-fairway-user": "u",
        }
        claimed = Counter([await through(aws, claims) for _ in range(60)])
        assert claimed["orbit-r1>axon-r1"] > 25
        seen = [each for each in aws.task("orbit", "r1").program.seen if "baggage" in each.headers]
        assert seen[-1].headers["baggage"] == "mine=1,fairway.cohort=stable"
        assert seen[-1].headers["x-fairway-cohort"] == "stable"


async def through(aws: World, headers: dict[str, str] | None = None) -> str:
    async with httpx2.AsyncClient(verify=False) as client:
        answer = await client.post(f"{aws.gateway}/", headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.text


async def at_home(aws: World) -> list[str]:
    """A user with a cookie."""
    async with httpx2.AsyncClient(verify=False) as client:
        return [(await client.post(f"{aws.gateway}/")).text for _ in range(5)]


async def test_an_unchanged_service_divides_what_it_calls_by_what_it_passes_on(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"axon": {"r1": 100, "r8": 0}, "orbit": {"r1": 100}}
    async with world(moto, monkeypatch, versions) as aws:
        await aws.start_all()
        await aws.shift(25, "axon")
        url = f"{aws.egress('orbit', 'r1', 'axon')}/reason"

        async def asked(**headers: str) -> str:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return (await aws.http.post(url, headers=sent)).text

        drawn = Counter([await asked() for _ in range(400)])
        assert 70 <= drawn["axon-r8"] <= 135
        assert {await asked(x_fairway_cohort="r8") for _ in range(20)} == {"axon-r8"}
        assert {await asked(x_fairway_cohort="stable") for _ in range(20)} == {"axon-r1"}
        assert {await asked(baggage="a=1,fairway.cohort=r8") for _ in range(20)} == {"axon-r8"}
        assert {await asked(x_fairway_preview="r8") for _ in range(20)} == {"axon-r8"}
        users = [{await asked(x_fairway_user=f"user-{n}") for _ in range(4)} for n in range(40)]
        assert all(len(answers) == 1 for answers in users)
        assert {frozenset(answers) for answers in users} == {
            frozenset({"axon-r1"}), frozenset({"axon-r8"}),
        }  # fmt: skip
        seen = aws.task("axon", "r8").program.seen[-1]
        assert seen.headers["x-fairway-cohort"] == "r8"


async def test_what_only_reads_is_mirrored(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(moto, monkeypatch, TWO) as aws:
        await aws.start_all()
        await aws.shift(0, "axon", mirror=100)
        copies = aws.task("axon", "r8").program.seen
        url = aws.egress("orbit", "r1", "axon")
        assert (await aws.http.post(f"{url}/reason")).text == "axon-r1"
        assert (await aws.http.get(f"{url}/items/7")).text == "axon-r1"
        await eventually(lambda: bool(copies))
        assert [(seen.method, seen.path) for seen in copies] == [("GET", "/items/7")]
        assert copies[0].headers["x-fairway-shadow"] == "1"
        assert copies[0].headers["x-fairway-cohort"] == "r8"
