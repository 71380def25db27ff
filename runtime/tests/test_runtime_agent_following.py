"""The agent goes on after what passes: a secret that comes late, an Envoy that does not answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fairway_runtime.agent import following
from fairway_runtime.agent.cloud import Away, Fetched
from fairway_runtime.agent.envoy import Rejected
from fairway_runtime.agent.following import Follower
from fairway_runtime.agent.rollout import Files
from fairway_runtime.agent.settings import AgentSettings

SOON = 60.0


class FakeCloud:
    """A bucket, secrets, and an authority whose certificates end after `lifetime`."""

    def __init__(self, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.objects = {"mesh/orbit/r7/envoy.json": document("m1"), HANDOUTS: document("h1")}
        self.secrets: dict[str, str] = {}
        self._lifetime = lifetime

    def fetch(self, bucket: str, key: str, tag: str) -> Fetched | None:
        content = self.objects[key]
        return None if tag == str(hash(content)) else Fetched(content, str(hash(content)))

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise Away(f"{name}: ThrottlingException")
        return self.secrets[name]

    def certificate(self, function: str, request: str) -> Mapping[str, str]:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(x509.Name([]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + self._lifetime)
        )
        pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        return {"certificate": pem, "authorities": pem}


class FakeEnvoy:
    """Takes everything, after it has failed in the ways of `troubles`."""

    def __init__(self) -> None:
        self.troubles: list[Exception] = []
        self.taken = 0

    async def start(self, files: Files) -> None:
        pass

    async def roll_out(self, files: Files) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken += 1

    async def replace(self, files: Files) -> None:
        await self.roll_out(files)


HANDOUTS = "handouts/orbit/r7.json"


def document(version: str, **secrets: str) -> bytes:
    return json.dumps({"version": version, "files": {}, "secrets": secrets}).encode()


def follower(cloud: FakeCloud, envoy: FakeEnvoy, folder: Path) -> Follower:
    settings = AgentSettings.from_environment({
        "FAIRWAY_APP": "shop",
        "FAIRWAY_ENVIRONMENT": "prod",
        "FAIRWAY_SERVICE": "orbit",
        "FAIRWAY_VERSION": "r7",
        "FAIRWAY_CONFIG_BUCKET": "config",
        "FAIRWAY_IDENTITY_FUNCTION": "arn:…:orbit",
        "FAIRWAY_AGENT_STATE": str(folder / "state"),
        "FAIRWAY_AGENT_HANDOUTS": str(folder / "handouts"),
        "FAIRWAY_AGENT_POLL": "0.01",
    })  # fmt: skip
    return Follower(settings, cloud, envoy)  # type: ignore[arg-type]


async def until_mesh_is(made: Follower, version: str) -> None:
    """Follow the mesh until this document is in force."""
    following_it = asyncio.create_task(made.follow_mesh())
    async with asyncio.timeout(SOON):
        while made.state.mesh_version != version:
            assert not following_it.done(), following_it
            await asyncio.sleep(0.01)
    following_it.cancel()


async def test_a_task_starts_once_a_secret_that_was_away_is_there(tmp_path: Path) -> None:
    cloud = FakeCloud()
    cloud.objects[HANDOUTS] = document("h1", **{"secrets/KEY": "shop/KEY"})
    made = follower(cloud, FakeEnvoy(), tmp_path)
    beginning = asyncio.create_task(made.begin())
    await asyncio.sleep(0.2)
    cloud.secrets["shop/KEY"] = "hush"
    await asyncio.wait_for(beginning, SOON)
    assert made.state.handouts_version == "h1"
    assert (tmp_path / "handouts" / "secrets" / "KEY").read_text() == "hush"


async def test_a_document_is_not_lost_when_envoy_does_not_answer(tmp_path: Path) -> None:
    cloud, envoy = FakeCloud(), FakeEnvoy()
    made = follower(cloud, envoy, tmp_path)
    await made.begin()
    cloud.objects["mesh/orbit/r7/envoy.json"] = document("m2")
    envoy.troubles = [TimeoutError(), ConnectionRefusedError()]
    await until_mesh_is(made, "m2")


async def test_what_envoy_rejects_is_tried_again_but_not_at_each_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, envoy = FakeCloud(), FakeEnvoy()
    made = follower(cloud, envoy, tmp_path)
    await made.begin()
    cloud.objects["mesh/orbit/r7/envoy.json"] = document("m2")
    envoy.troubles = [Rejected("it was slow")]
    following_it = asyncio.create_task(made.follow_mesh())
    async with asyncio.timeout(SOON):
        while not made.state.problem:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # many looks
    following_it.cancel()
    assert (made.state.problem, envoy.taken) == ("it was slow", 0)
    monkeypatch.setattr(following, "_REFUSED_AGAIN", 0.0)
    await until_mesh_is(made, "m2")
    assert made.state.problem == ""


async def test_an_identity_is_offered_until_envoy_takes_it(tmp_path: Path) -> None:
    envoy = FakeEnvoy()
    made = follower(FakeCloud(timedelta(seconds=1)), envoy, tmp_path)
    await made.begin()
    envoy.troubles = [TimeoutError(), Rejected("not in time")]
    renewing = asyncio.create_task(made.renew())
    async with asyncio.timeout(SOON):
        while not envoy.taken:
            assert not renewing.done(), renewing
            await asyncio.sleep(0.01)
    assert not envoy.troubles
    renewing.cancel()
