"""What every test may ask for."""

from __future__ import annotations

import pytest
from tests.databases import database, opening
from tests.postgres import postgres_server, postgres_url

__all__ = ["database", "opening", "postgres_server", "postgres_url"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs a PostgreSQL to start")
