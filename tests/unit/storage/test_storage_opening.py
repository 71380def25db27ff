"""Which database a URL or a path stands for, and what a file and a server each owe."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fairway.errors import Conflict, InvalidInput, Unavailable
from fairway.storage.opening import namespace_of, open_database


@pytest.mark.parametrize("as_url", [True, False])
def test_a_path_is_a_private_file(tmp_path: Path, as_url: bool) -> None:
    path = tmp_path / "new" / "governance.db"
    database = open_database(f"sqlite:///{path}" if as_url else path)
    with database.writing() as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert database.where == str(path)
    database.close()


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "postgresql+psycopg://u@h/d"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="no database is known"):
        open_database(url)


def test_a_file_of_a_newer_fairway_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "governance.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Conflict, match="format 3; this Fairway knows 2"):
        open_database(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["governance.db"]


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "governance.db"
    path.write_text("this is not a database, and longer than a header would be " * 20)
    with pytest.raises(Unavailable, match="cannot be used"):
        open_database(path)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be used"):
        open_database(tmp_path / "file" / "governance.db")


def test_a_namespace_fits_and_tells_environments_apart() -> None:
    assert namespace_of("axon-orbit", "prod") == "fairway_axon-orbit_prod"
    long = [namespace_of("a" * 60, environment) for environment in ("prod", "stage")]
    assert long[0] != long[1]
    assert all(len(name) == 63 for name in long)


def test_a_file_needs_no_driver_of_postgresql() -> None:
    program = (
        "import sys, fairway.storage.opening\n"
        "print([m for m in ('psycopg', 'sqlalchemy', 'dbos') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"
