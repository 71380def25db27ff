"""The password of the control plane's database is renewed by RDS while the server runs."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from tests.aws.moto_rig import REGION, Moto
from tests.aws_target_rig import clients_of
from tests.postgres import POSTGRES, Server
from tests.waiting import PATIENCE

from fairway.errors import Unavailable
from fairway.storage.opening import open_database
from fairway.targets.aws import database_password
from fairway.targets.aws.database_password import PasswordFile
from fairway.targets.local.layout import write_private

AWKWARD = "a:b\\c&d e%"


@pytest.fixture
def secrets(moto: Moto) -> Any:
    return moto.client("secretsmanager", REGION)


def kept(secrets: Any, password: str) -> str:
    document = json.dumps({"username": "renewed", "password": password})
    return str(secrets.create_secret(Name="rds!db-1", SecretString=document)["ARN"])


def renewed(secrets: Any, arn: str, password: str) -> None:
    document = json.dumps({"username": "renewed", "password": password})
    secrets.put_secret_value(SecretId=arn, SecretString=document)


def password_file(moto: Moto, arn: str, file: Path) -> PasswordFile:
    return PasswordFile(clients_of(moto.url), arn, file, write_private)


@pytest.mark.parametrize("mark", [pytest.param(None, marks=POSTGRES)])
def test_new_connections_use_the_password_that_is_in_force(
    moto: Moto, secrets: Any, postgres_server: Server, tmp_path: Path, mark: None
) -> None:
    name = postgres_server.take()
    file = password_file(moto, arn := kept(secrets, AWKWARD), tmp_path / "password")
    file.refresh()
    url = f"postgresql://renewed@/{name}?host={postgres_server.folder}"
    _let_in(postgres_server, AWKWARD, "CREATE")
    try:
        database = open_database(file.named_in(url), "shop")
        _let_in(postgres_server, "another", "ALTER")
        renewed(secrets, arn, "another")
        with pytest.raises(Unavailable) as refused:
            _asked_anew(database)
        assert AWKWARD not in "".join(traceback.format_exception(refused.value))
        file.refresh()
        _asked_anew(database)
        database.close()
    finally:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        postgres_server.execute("DROP ROLE renewed")


def _let_in(server: Server, password: str, verb: str) -> None:
    server.execute(f"{verb} ROLE renewed LOGIN SUPERUSER PASSWORD '{password}'")


def _asked_anew(database: Any) -> None:
    """Ask by a connection that does not exist yet: the idle one is busy meanwhile."""
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            with database.reading() as connection:
                connection.execute("SELECT 1")
        except Unavailable as error:
            failures.append(error)

    with database.reading():
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join()
    if failures:
        raise failures[0]


def test_only_its_owner_reads_it_and_it_is_written_when_there_is_news(
    moto: Moto, secrets: Any, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    keeper = password_file(moto, arn := kept(secrets, "one"), file)
    keeper.refresh()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.stat().st_ino
    keeper.refresh()
    assert file.stat().st_ino == written
    renewed(secrets, arn, "two")
    keeper.refresh()
    assert file.read_text() == "*:*:*:*:two\n"


def test_a_secret_of_another_kind_is_an_error_that_does_not_show_it(
    moto: Moto, secrets: Any, tmp_path: Path
) -> None:
    arn = secrets.create_secret(Name="other", SecretString="hush hush")["ARN"]
    with pytest.raises(Unavailable) as refused:
        password_file(moto, arn, tmp_path / "password").refresh()
    assert "hush" not in "".join(traceback.format_exception(refused.value))


async def test_it_is_kept_up_to_date_though_one_look_fails(
    moto: Moto, secrets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_password, "_PAUSE", 0.01)
    file = tmp_path / "password"
    keeper = password_file(moto, arn := kept(secrets, "one"), file)
    keeper.refresh()
    keeping = asyncio.create_task(keeper.keep())
    try:
        secrets.put_secret_value(SecretId=arn, SecretString="no document")
        await asyncio.sleep(0.1)
        await asyncio.to_thread(renewed, secrets, arn, "two")
        async with asyncio.timeout(PATIENCE):
            while "two" not in file.read_text():
                await asyncio.sleep(0.01)
    finally:
        keeping.cancel()


async def test_a_disk_that_is_full_for_a_while_does_not_end_it(
    moto: Moto, secrets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_password, "_PAUSE", 0.01)
    full = [OSError(28, "No space left on device")]

    def write(file: Path, content: bytes) -> None:
        if full:
            raise full.pop()
        write_private(file, content)

    file = tmp_path / "password"
    keeper = PasswordFile(clients_of(moto.url), kept(secrets, "one"), file, write)
    keeping = asyncio.create_task(keeper.keep())
    try:
        async with asyncio.timeout(PATIENCE):
            while not file.exists():
                assert not keeping.done()
                await asyncio.sleep(0.01)
    finally:
        keeping.cancel()
