"""Shared environments: which server is asked, with which token, and what is said without one."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.api.fake_control import MemoryControl
from tests.unit.cli.cli_driver import APP_FILE, CommandLine
from tests.unit.cli.fake_delivery import MemoryDelivery
from tests.waiting import PATIENCE

from fairway.api.app import create_app
from fairway.api.offer import Offer
from fairway.api.server import serve
from fairway.cli.delivering.servers import Tokens, checked_url, in_the_clear
from fairway.control.directory import EnvironmentSummary, OneEnvironment
from fairway.control.door import MemoryAnswers, MemoryTrail, OneToken
from fairway.delivery.port import Actor
from fairway.errors import InvalidInput


class Shelf:
    """Artifacts in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def has(self, digest: str) -> bool:
        return digest in self.kept

    async def keep(self, digest: str, chunks: object) -> None:
        self.kept[digest] = b"".join([chunk async for chunk in chunks])  # type: ignore[attr-defined]


@contextmanager
def server(delivery: MemoryDelivery, shelf: Shelf, role: str = "deployer") -> Iterator[str]:
    """A server of the environment `prod` of `shop`, for the token `t`; its address."""
    actor = Actor("eve", role)  # type: ignore[arg-type]
    summary = EnvironmentSummary("shop", "prod", "memory")
    directory = OneEnvironment(summary, delivery, MemoryControl(), shelf)
    answers = MemoryAnswers(time.time)
    offer = Offer(OneToken("t", actor), MemoryTrail(), answers, time.time, directory=directory)
    loop, ready, urls = asyncio.new_event_loop(), threading.Event(), []
    ended = asyncio.Event()

    async def main() -> None:
        async with serve(create_app(offer)) as url:
            urls.append(url)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def remote(folder: Path) -> Iterator[tuple[str, MemoryDelivery, Shelf]]:
    delivery, shelf = MemoryDelivery(), Shelf()
    with server(delivery, shelf) as url:
        declared = f"environments:\n  prod: {{target: memory, server: {url}}}\n"
        (folder / "fairway.yaml").write_text(APP_FILE + declared)
        yield url, delivery, shelf


def log_in(
    fairway: CommandLine, url: str, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> int:
    (tmp_path / "token").write_text(f"{token}\n")
    with (tmp_path / "token").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        return fairway("login", url).code


def test_without_a_token_it_is_said_how_to_get_in(
    remote: tuple[str, MemoryDelivery, Shelf], fairway: CommandLine
) -> None:
    done = fairway("history", "prod")
    assert done.code == 6
    assert f"fairway login {remote[0]}" in done.err


def test_a_person_logs_in_once(
    remote: tuple[str, MemoryDelivery, Shelf],
    fairway: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    own_configuration: Path,
    tmp_path: Path,
) -> None:
    url, _, _ = remote
    assert log_in(fairway, url, "wrong", monkeypatch, tmp_path) == 6
    assert log_in(fairway, url, "", monkeypatch, tmp_path) == 2
    assert log_in(fairway, url + "/", "t", monkeypatch, tmp_path) == 0
    file = own_configuration / "fairway" / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert fairway("history", "prod").code == 0
    assert fairway("login", url, "--remove").code == 0
    assert fairway("history", "prod").code == 6


def test_ci_deploys_with_variables_alone(
    remote: tuple[str, MemoryDelivery, Shelf], fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, delivery, shelf = remote
    (fairway.folder / "fairway.yaml").write_text(
        APP_FILE + "environments:\n  prod: {target: memory}\n"
    )
    (fairway.folder / "serve").write_text("#!/bin/sh\n")
    monkeypatch.setenv("FAIRWAY_SERVER", url)
    monkeypatch.setenv("FAIRWAY_TOKEN", "t")
    done = fairway("deploy", "prod")
    assert done.code == 0, done.err
    assert set(delivery.wishes[-1].artifacts.values()) == shelf.kept.keys()
    assert "sent the source of orbit" in done.err
    assert "sent the source" not in fairway("deploy", "prod").err, "it has it already"


def test_whoever_may_only_look_may_plan(
    folder: Path, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf()
    with server(MemoryDelivery(), shelf, role="viewer") as url:
        declared = f"environments:\n  prod: {{target: memory, server: {url}}}\n"
        (folder / "fairway.yaml").write_text(APP_FILE + declared)
        (folder / "serve").write_text("#!/bin/sh\n")
        monkeypatch.setenv("FAIRWAY_TOKEN", "t")
        done = fairway("plan", "prod")
        assert (done.code, shelf.kept) == (2, {}), done.err


def test_a_role_that_is_too_small_is_named(
    folder: Path, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = MemoryDelivery()
    delivery.add("d1", status="shifting")
    with server(delivery, Shelf(), role="viewer") as url:
        declared = f"environments:\n  prod: {{target: memory, server: {url}}}\n"
        (folder / "fairway.yaml").write_text(APP_FILE + declared)
        monkeypatch.setenv("FAIRWAY_TOKEN", "t")
        assert fairway("deployments", "prod").code == 0
        done = fairway("abort", "--env", "prod")
        assert done.code == 6
        assert "this needs the role deployer; eve is a viewer" in done.err
        monkeypatch.setenv("FAIRWAY_TOKEN", "stolen")
        assert fairway("deployments", "prod").code == 6


def test_a_server_that_is_not_there_is_said(
    folder: Path, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = "environments:\n  prod: {target: memory, server: 'http://127.0.0.1:9'}\n"
    (folder / "fairway.yaml").write_text(APP_FILE + declared)
    monkeypatch.setenv("FAIRWAY_TOKEN", "t")
    done = fairway("history", "prod")
    assert done.code == 5
    assert "http://127.0.0.1:9" in done.err
    assert "FAIRWAY_SERVER" in done.err


@pytest.mark.parametrize(("environment", "code"), [("prod", 5), ("staging", 9)])
def test_an_environment_without_a_server_is_told_apart_from_none(
    folder: Path, fairway: CommandLine, environment: str, code: int
) -> None:
    on_aws = "{target: aws-ecs, regions: [eu-central-1], aws: {domain: shop.example.com}}"
    (folder / "fairway.yaml").write_text(f"{APP_FILE}environments:\n  prod: {on_aws}\n")
    for command in ("plan", "deploy", "history"):
        done = fairway(command, environment)
        assert done.code == code
        assert environment in done.err


def test_local_is_never_kept_elsewhere(
    delivery: MemoryDelivery, fairway: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRWAY_SERVER", "http://127.0.0.1:9")
    assert fairway("history", "local").code == 0


@pytest.mark.parametrize("text", ["fairway.example.com", "ftp://x", "https://", "https://x?y=1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        checked_url(text, "URL")


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("http://fairway.example.com", True),
        ("http://10.0.0.7:8070", True),
        ("https://fairway.example.com", False),
        ("http://localhost:8070", False),
        ("http://127.0.0.1:8070", False),
        ("http://[::1]:8070", False),
    ],
)
def test_a_token_in_the_clear_is_warned_of(url: str, readable: bool) -> None:
    assert in_the_clear(url) is readable


def test_tokens_are_kept_where_the_user_has_configuration(tmp_path: Path) -> None:
    assert Tokens.of_user({"XDG_CONFIG_HOME": "/x"}).file == Path("/x/fairway/tokens.json")
    assert Tokens.of_user({"XDG_CONFIG_HOME": "relative"}).file.is_relative_to(Path.home())
    tokens = Tokens(tmp_path / "deep" / "tokens.json")
    tokens.keep("https://a", "1")
    tokens.keep("https://b", "2")
    assert (tokens.find("https://a"), tokens.find("https://c")) == ("1", None)
    assert tokens.forget("https://a")
    assert not tokens.forget("https://a")
    tokens.file.write_text("[]")
    with pytest.raises(InvalidInput, match="damaged"):
        tokens.find("https://a")


PROD_ALONE = """\
app: shop
services: {web: {run: ./serve, health: /health}}
environments:
  prod: {target: aws-ecs, regions: [eu-central-1]}
"""


@pytest.fixture
def prod_alone(fairway: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """An app whose only environment is on AWS, without a server."""
    monkeypatch.delenv("FAIRWAY_SERVER", raising=False)
    (fairway.folder / "fairway.yaml").write_text(PROD_ALONE)
    return fairway


def test_without_local_every_environment_is_checked(prod_alone: CommandLine) -> None:
    assert prod_alone("validate").code == 0


def test_on_aws_bootstrap_makes_the_missing_server(prod_alone: CommandLine) -> None:
    assert "fairway bootstrap prod" in prod_alone("deploy", "prod").err


@pytest.mark.parametrize("command", ["status", "up"])
def test_what_is_on_aws_is_asked_through_its_server(prod_alone: CommandLine, command: str) -> None:
    assert "fairway deployments prod" in prod_alone(command, "--env", "prod").err
