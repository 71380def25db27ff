"""One database fixture for everything that is kept in one: SQLite and a real PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.postgres import POSTGRES

from fairway.storage.database import Database
from fairway.storage.opening import open_database

ENGINES = ("sqlite", pytest.param("postgresql", marks=POSTGRES))


@pytest.fixture(params=ENGINES)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Opens the same empty database again and again, as several processes would."""
    if request.param == "sqlite":
        place, namespace = str(tmp_path / "state" / "governance.db"), ""
    else:
        place, namespace = request.getfixturevalue("postgres_url"), "fairway_shop_prod"
    opened: list[Database] = []

    def open_it() -> Database:
        opened.append(open_database(place, namespace))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


@pytest.fixture
def database(opening: Callable[[], Database]) -> Database:
    """An empty database."""
    return opening()
