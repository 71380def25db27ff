"""The started examples that system tests share, one at a time: Envoys need file watchers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from tests.driver import EXAMPLES, Driver, clean_environment, copy_of, running

AXON_ORBIT = EXAMPLES / "axon-orbit"


@pytest.fixture(scope="module")
def axon_orbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """axon-orbit, up and healthy, for one module: the next starts where nothing happened yet."""
    with running(axon_orbit_in(tmp_path_factory)) as driver:
        yield driver


@pytest.fixture
def fresh_axon_orbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A copy of its own that is not started yet, for tests that do it harm."""
    driver = axon_orbit_in(tmp_path_factory)
    yield driver
    driver.fairway("down", check=False)


@pytest.fixture
def gateway(axon_orbit: Driver) -> Iterator[httpx2.Client]:
    """The front door, as anyone on the network finds it."""
    with axon_orbit.gateway() as client:
        yield client


def axon_orbit_in(factory: pytest.TempPathFactory) -> Driver:
    """A copy of the example whose only secret has a value."""
    folder = copy_of(AXON_ORBIT, factory.mktemp("system") / "axon-orbit")
    driver = Driver(folder, clean_environment())
    driver.fairway("secrets", "set", "AXON_MODEL_KEY", stdin="the first key\n")
    return driver
