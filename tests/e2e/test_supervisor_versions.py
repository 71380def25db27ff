"""Versions of a service side by side under one supervisor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.local_support import SERVER, Place
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("system")


async def test_a_version_that_went_is_nowhere_in_the_traffic(tmp_path: Path) -> None:
    """A rollback to it begins without endpoints that nobody listens at any more."""
    place = Place(tmp_path)
    spec = place.spec("web", run=SERVER)
    one, two = replace(spec, version="r1"), replace(spec, version="r2")
    async with place.running(one) as supervisor:
        await supervisor.run([two])
        await eventually(lambda: len(place.traffic.ports["web"]) == 2)
        await supervisor.remove("web", "r1")
        left = tuple(endpoint.port for endpoint in supervisor.endpoints("web"))
        assert len(left) == 1
        assert place.traffic.ports["web"] == left
