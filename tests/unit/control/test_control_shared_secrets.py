"""Secrets and policies of a shared environment, where its target keeps and hands out some."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.delivery_world import shop
from tests.unit.control.test_control_shared import shipped
from tests.waiting import PATIENCE, eventually

from fairway.control.port import Records
from fairway.control.shared import environments
from fairway.control.shared.assembly import assembled
from fairway.control.shared.premises import KeptSecret, Opening, Premises
from fairway.control.shared.records import SharedRecords
from fairway.control.shared.server import SharedServer
from fairway.delivery.port import Wish
from fairway.errors import Conflict, NotFound, Refused
from fairway.model.app import App
from fairway.targets.memory import MemoryTarget
from fairway.targets.signing import KNOWN_AFTER

KEY = "MODEL_KEY"


@dataclass(frozen=True)
class Kept:
    """A version of a secret."""

    version: int
    changed_at: float = 5.0


@dataclass
class Keeper:
    """Keeps secrets in memory."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def all(self, wanted: Sequence[str]) -> Mapping[str, KeptSecret]:
        return {name: Kept(len(self.values[name])) for name in wanted if name in self.values}

    def versions(self, app: App) -> Mapping[str, int]:
        return {name: len(values) for name, values in self.values.items()}

    def set(self, app: App | None, name: str, value: str) -> KeptSecret:
        self.values.setdefault(name, []).append(value)
        return Kept(len(self.values[name]))


@dataclass
class Shared:
    """A server whose environments have a keeper, and what it was told when they were opened."""

    server: SharedServer
    keeper: Keeper
    openings: list[Opening]
    app: dict[str, Any]

    async def deployed(self) -> Records:
        delivery = await self.server.directory.opened("shop", "prod", self.app)
        assert (await shipped(delivery, Wish(app=self.app))).status == "succeeded"
        return await self.server.directory.records("shop", "prod")


@asynccontextmanager
async def serving(
    folder: Path,
    keeper: Keeper | None,
    rotate: Callable[[App, str | None], tuple[str, ...]] | None = None,
    renew: Callable[[App], None] | None = None,
) -> AsyncIterator[Shared]:
    openings: list[Opening] = []
    folder.mkdir(exist_ok=True)

    def premises(opening: Opening) -> Premises:
        openings.append(opening)
        target = MemoryTarget(lambda: 1.0, file=folder / "world.json")
        return Premises(target, keeper, renew=renew, rotate=rotate)

    app = shop(target="memory").model_dump(mode="json", by_alias=True, exclude_none=True)
    app["services"]["axon"]["secrets"] = [KEY]
    server = assembled(str(folder / "server.db"), premises, lambda _name: None)
    await server.start()
    try:
        yield Shared(server, keeper or Keeper(), openings, app)
    finally:
        await server.stop()


async def test_a_value_is_kept_counted_and_never_shown(tmp_path: Path) -> None:
    async with serving(tmp_path, Keeper()) as shared:
        records = await shared.deployed()
        [before] = await records.secrets()
        assert (before.name, before.services, before.version) == (KEY, ("axon",), 0)
        status = await records.set_secret(KEY, "hunter2")
        assert (status.version, shared.keeper.values) == (1, {KEY: ["hunter2"]})
        assert "hunter2" not in repr(await records.secrets())
        assert (await records.rotate_secret(KEY)).version == 2
        assert len(shared.keeper.values[KEY][1]) > 40


async def test_a_release_names_the_versions_in_force(tmp_path: Path) -> None:
    async with serving(tmp_path, Keeper({KEY: ["a", "b"]})) as shared:
        await shared.deployed()
        delivery = await shared.server.directory.delivery("shop", "prod")
        release = await delivery.release(1)
        assert dict(release.content.services["axon"].secrets) == {KEY: 2}


async def test_keys_that_sign_are_rotated_where_the_target_can(tmp_path: Path) -> None:
    asked: list[str | None] = []

    def rotate(app: App, identity: str | None) -> tuple[str, ...]:
        assert "axon" in app.services
        asked.append(identity)
        return ("axon",)

    async with serving(tmp_path, Keeper(), rotate) as shared:
        records = await shared.deployed()
        assert await records.rotate_signing_keys("axon") == ("axon",)
        assert await records.rotate_signing_keys() == ("axon",)
        assert asked == ["axon", None]
    async with serving(tmp_path / "none", None) as shared:
        records = await shared.deployed()
        with pytest.raises(Refused, match="sign no calls"):
            await records.rotate_signing_keys()


async def test_rotated_keys_sign_as_soon_as_everybody_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "REFRESH_SECONDS", 0.02)
    renewed: list[str] = []

    async def renewals(count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(renewed) < count:
                await asyncio.sleep(0.01)

    def renew(app: App) -> None:
        renewed.append(app.app)

    async with serving(tmp_path, Keeper(), lambda _app, _name: ("axon",), renew) as shared:
        records = await shared.deployed()
        assert isinstance(records, SharedRecords)
        await renewals(1)
        await records.rotate_signing_keys()
        await asyncio.sleep(0.1)
        assert len(renewed) == 1, "not before they are known"
        assert records.renew_at is not None
        records.renew_at -= KNOWN_AFTER
        await renewals(2)
        await eventually(lambda: records.renew_at is None)
        await asyncio.sleep(0.1)
        assert len(renewed) == 2, "once is enough"


async def test_a_defect_in_a_renewal_does_not_end_the_next_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "REFRESH_SECONDS", 0.02)
    monkeypatch.setattr(environments, "RENEW_SECONDS", 0.0)
    tried: list[str] = []

    def renew(app: App) -> None:
        tried.append(app.app)
        raise KeyError("a defect")

    async with serving(tmp_path, Keeper(), renew=renew) as shared:
        await shared.deployed()
        async with asyncio.timeout(PATIENCE):
            while len(tried) < 2:
                await asyncio.sleep(0.01)


async def test_what_nobody_reads_is_not_kept(tmp_path: Path) -> None:
    async with serving(tmp_path, Keeper()) as shared:
        records = await shared.deployed()
        with pytest.raises(NotFound, match="MODEL_KEI"):
            await records.set_secret("MODEL_KEI", "x")
        with pytest.raises(Conflict, match="no stored value"):
            await records.rotate_secret(KEY)


async def test_where_nothing_reads_secrets_they_are_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, None) as shared:
        records = await shared.deployed()
        with pytest.raises(Refused):
            await records.set_secret(KEY, "x")


async def test_an_environment_is_opened_as_it_was_declared_also_after_a_restart(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, Keeper()) as shared:
        await shared.deployed()
    async with serving(tmp_path, Keeper()) as shared:
        await shared.server.directory.records("shop", "prod")
        assert shared.openings[0].declared["target"] == "memory"


async def test_policies_of_calls_are_those_of_the_union(tmp_path: Path) -> None:
    async with serving(tmp_path, Keeper()) as shared:
        await shared.deployed()
        policies = shared.openings[-1].policies
        app = App.model_validate(shared.app)
        more = app.model_copy(update={"services": {**app.services}})
        assert policies(app, 0) == ""
        assert policies(more, 1) == policies(app, 1) != ""
        with pytest.raises(NotFound):
            policies(app, 9)
