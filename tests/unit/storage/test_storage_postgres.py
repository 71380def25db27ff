"""What only a server can do to us: be away, hang up, be shared; and a password to keep."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.postgres import POSTGRES, Server

from fairway.errors import FairwayError, InvalidInput, Unavailable
from fairway.storage.database import Database
from fairway.storage.migrations import migrate
from fairway.storage.opening import open_database
from fairway.storage.postgres import PostgresDatabase

pytestmark = POSTGRES
SECRET = "-".join(("tell", "no", "one"))
"""Put together here, so that a line of this file in a traceback does not hold it."""
TABLES = ("CREATE TABLE things (id INTEGER PRIMARY KEY) STRICT",)


@pytest.fixture
def opened(postgres_url: str) -> Iterator[Callable[..., PostgresDatabase]]:
    databases: list[PostgresDatabase] = []

    def open_it(namespace: str = "", size: int = 8) -> PostgresDatabase:
        databases.append(PostgresDatabase(postgres_url, namespace, size=size))
        return databases[-1]

    yield open_it
    for each in databases:
        each.close()


def name_in(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def hang_up(url: str) -> int:
    """End every other session of the database, as a server that restarts does; how many."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        return len(connection.execute(query).fetchall())


def ids(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return connection.execute("SELECT id FROM things ORDER BY id")


def test_environments_share_a_server_and_nothing_else(
    opened: Callable[..., PostgresDatabase],
) -> None:
    prod, stage = opened("fairway_shop_prod"), opened('fairway_"shop"_stage')
    for database in (prod, stage):
        migrate(database, "things", TABLES)
    with prod.writing() as connection:
        connection.execute("INSERT INTO things VALUES (1)")
        with stage.writing() as other:  # its own lock: neither waits for the other
            other.execute("INSERT INTO things VALUES (2)")
    assert (ids(prod), ids(stage)) == ([(1,)], [(2,)])


def test_idle_connections_that_broke_are_replaced(
    opened: Callable[..., PostgresDatabase], postgres_url: str
) -> None:
    database = opened("fairway_shop_prod")
    migrate(database, "things", TABLES)
    for write in (True, False):
        assert hang_up(postgres_url) >= 1
        with database.writing() if write else database.reading() as connection:
            assert connection.execute("SELECT count(*) FROM things") == [(0,)]


def test_a_connection_lost_in_a_transaction_is_unavailable(
    opened: Callable[..., PostgresDatabase], postgres_url: str
) -> None:
    database = opened("fairway_shop_prod")
    migrate(database, "things", TABLES)
    with (
        pytest.raises(Unavailable, match="cannot be used") as caught,
        database.writing() as connection,
    ):
        connection.execute("INSERT INTO things VALUES (1)")
        hang_up(postgres_url)
        connection.execute("INSERT INTO things VALUES (2)")
    assert "try again" in caught.value.remedy
    assert ids(database) == []


def test_a_connection_lost_at_the_end_leaves_a_doubt_and_says_so(
    opened: Callable[..., PostgresDatabase], postgres_url: str
) -> None:
    database = opened()
    migrate(database, "things", TABLES)
    with pytest.raises(Unavailable, match="may have happened"), database.writing() as connection:
        connection.execute("INSERT INTO things VALUES (1)")
        hang_up(postgres_url)
    assert ids(database) == []


def test_who_was_turned_away_keeps_no_place_of_the_pool(
    opened: Callable[..., PostgresDatabase], postgres_server: Server, postgres_url: str
) -> None:
    database, name = opened(size=1), name_in(postgres_url)
    migrate(database, "things", TABLES)
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres_server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    for _ in range(3):
        with pytest.raises(Unavailable, match="not currently accepting connections"):
            ids(database)
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert ids(database) == []


def test_more_threads_than_connections_take_turns(
    opened: Callable[..., PostgresDatabase],
) -> None:
    database = opened(size=2)
    migrate(database, "things", TABLES)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(ids(database))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [[]] * 12


def test_a_user_who_may_not_create_schemas_can_use_one(
    postgres_server: Server, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS clerk")
        connection.execute("CREATE ROLE clerk LOGIN PASSWORD 'pencil'")
        connection.execute("CREATE SCHEMA prepared AUTHORIZATION clerk")
    url = postgres_server.url(name_in(postgres_url), user="clerk", password="pencil")
    database = open_database(url, "prepared")
    migrate(database, "things", TABLES)
    assert ids(database) == []
    database.close()


def test_a_server_that_is_away_is_unavailable_and_the_password_stays_secret() -> None:
    with pytest.raises(Unavailable, match="check that PostgreSQL runs") as caught:
        open_database(f"postgresql://ada:{SECRET}@127.0.0.1:1/shop")
    assert_secret(caught.value)
    assert caught.value.where == "postgresql://ada@127.0.0.1:1/shop"


def test_a_wrong_password_is_unavailable_and_stays_secret(
    postgres_server: Server, postgres_url: str
) -> None:
    url = postgres_url.replace(postgres_server.password, SECRET)
    with pytest.raises(Unavailable, match="password authentication failed") as caught:
        open_database(url)
    assert_secret(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:{SECRET}@[::1/shop",
        f"postgresql://ada:{SECRET}%zz@host/shop",
        f"postgresql://ada@host/shop?password={SECRET}&nonsense=1",
    ],
)
def test_a_url_that_is_none_keeps_its_password_too(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a URL of a PostgreSQL") as caught:
        open_database(url)
    assert_secret(caught.value)


def test_a_database_shows_no_password(
    opened: Callable[..., PostgresDatabase], postgres_server: Server
) -> None:
    database = opened()
    assert postgres_server.password not in f"{database!r} {database.where}"


def assert_secret(error: FairwayError) -> None:
    assert SECRET not in "".join(traceback.format_exception(error))
    assert SECRET not in f"{error!r} {error.where}"
