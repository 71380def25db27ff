"""What should be there is kept in DynamoDB: fenced, versioned, small enough for 200 services."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from tests.aws.direct_provision import bootstrap
from tests.aws.moto_rig import Moto
from tests.aws_target_rig import clients_of
from tests.unit.aws.test_target_standing import first

from fairway.errors import Conflict, NotFound, Refused
from fairway.targets.aws.place import Place
from fairway.targets.aws.standing.record import Record
from fairway.targets.aws.standing.state import Standing
from fairway.targets.aws.terraform.process import own_name
from fairway.targets.contract import Fence

OLD, NEW = Fence("d1", 1), Fence("d2", 2)


@pytest.fixture
def place(moto: Moto) -> Place:
    made = Place("shop", "prod", "eu-central-1", clients_of(moto.url), time.time)
    bootstrap(made)
    return made


async def test_what_is_kept_is_read(place: Place) -> None:
    record = Record(place)
    assert await record.read() == Standing("prod", {})
    await record.change(OLD, lambda _: first())
    assert await Record(place).read() == first()


async def test_an_older_lease_changes_nothing(place: Place) -> None:
    record = Record(place)
    await record.change(NEW, lambda _: first())
    with pytest.raises(Conflict) as refused:
        await Record(place).change(OLD, lambda _: Standing("prod", {}))
    assert refused.value.code == "stale-fence"
    assert await record.read() == first()


async def test_who_had_a_lease_is_known_as_terraform_names_him(place: Place) -> None:
    record = Record(place)
    assert await asyncio.to_thread(record.engines) == frozenset()
    await record.change(OLD, lambda _: first())
    await record.admit(NEW)
    assert await asyncio.to_thread(record.engines) == {own_name()}


async def test_of_two_writers_none_overwrites_the_other(place: Place) -> None:
    def counted(standing: Standing) -> Standing:
        return replace(standing, release=standing.release + 1)

    records = [Record(place) for _ in range(3)]
    await asyncio.gather(*(each.change(OLD, counted) for each in records))
    assert (await records[0].read()).release == 3


async def test_two_hundred_services_fit(place: Place) -> None:
    one = first()
    services = {f"service-{n}": one.services["axon"] * 2 for n in range(200)}
    declared = {f"service-{n}": one.app["services"]["axon"] for n in range(200)}
    large = replace(one, services=services, app={**one.app, "services": declared})
    await Record(place).change(OLD, lambda _: large)
    assert await Record(place).read() == large


async def test_without_its_table_it_says_what_to_do(moto: Moto) -> None:
    place = Place("shop", "dev", "eu-central-1", clients_of(moto.url), time.time)
    with pytest.raises(NotFound, match="fairway bootstrap dev"):
        await Record(place).read()


async def test_another_account_is_refused(place: Place) -> None:
    other = replace(place, owner="999999999999")
    with pytest.raises(Refused, match="999999999999"):
        await Record(other).read()
