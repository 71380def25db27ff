"""What every test may ask for."""

from __future__ import annotations

from tests.databases import database, opening
from tests.postgres import postgres_server, postgres_url

__all__ = ["database", "opening", "postgres_server", "postgres_url"]
