"""Environments on moto, each applied once and shared by all tests that look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from tests.aws.readback import Authority, authority_of
from tests.aws.terraform_rig import Terraform
from tests.aws.world import APPS, World, made

WORLDS = [pytest.param(app, marks=pytest.mark.xdist_group(f"aws-{app}")) for app in APPS]

_LONGEST = pytest.mark.timeout(7200)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What applies whole apps takes longer than any other test may."""
    for item in items:
        if item.get_closest_marker("apply"):
            item.add_marker(_LONGEST)


@pytest.fixture(scope="session", params=WORLDS)
def world(
    request: pytest.FixtureRequest,
    terraform_configured: Terraform,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """One of our apps, applied."""
    folder = tmp_path_factory.mktemp("world")
    with made(request.param, terraform_configured, folder) as found:
        yield found
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(world: World) -> Authority:
    """Who may do what in that environment, read back before anything is destroyed."""
    return authority_of(world)
