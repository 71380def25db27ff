"""`fairway load`: the client on a real socket, and the command around it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.unit.cli.cli_driver import CommandLine
from tests.waiting import PATIENCE

from fairway.cli.calling.load import Load, LoadRun, Tally
from fairway.cli.calling.wire import http_request, is_whole, stays_open
from fairway.control.calling.plan import Wish, public_call
from fairway.errors import InvalidInput, NotFound
from fairway.governance.bundle import build_bundle
from fairway.model.app import App
from fairway.targets.local.layout import StateDir, write_private
from fairway_runtime.policy.bundle import PolicyBundle

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REQUEST = http_request("GET", "/", {"host": "shop"})
Behave = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(behave: Behave) -> AsyncIterator[tuple[int, list[float]]]:
    """A server that answers the n-th request (from 0) as told; its port and when each came."""
    came: list[float] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                came.append(time.monotonic())
                await behave(len(came) - 1, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], came
    finally:
        listening.close()
        for writer in writers:
            writer.close()


async def answer(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


async def tally_of(behave: Behave, rate: float, seconds: float, timeout: float = 5.0) -> Tally:
    async with server(behave) as (port, _):
        return await LoadRun(Load(port, REQUEST, rate, seconds, timeout)).run()


async def test_the_rate_is_kept_and_every_answer_counted() -> None:
    async with server(answer) as (port, came):
        tally = await LoadRun(Load(port, REQUEST, 200, 1.0)).run()
    assert (tally.due, tally.answered, tally.failed) == (200, 200, 0)
    assert tally.statuses == {"200": 200}
    assert came[-1] - came[0] > 0.95
    assert 0 < tally.rate < 240


STALL = 3.0
"""Seconds."""


async def test_a_service_that_stands_still_is_asked_all_the_same() -> None:
    async def stall(number: int, writer: asyncio.StreamWriter) -> None:
        if number < 20:
            await asyncio.sleep(STALL)
        writer.write(OK)

    tally = await tally_of(stall, 100, 0.5)
    assert tally.answered == 50, "nothing waited for the slow ones"
    assert (tally.latency(0.1) or STALL) < 0.9 * STALL
    assert (tally.latency(0.9) or 0) > 0.9 * STALL


async def test_failures_are_told_apart() -> None:
    async def misbehave(number: int, writer: asyncio.StreamWriter) -> None:
        match number % 5:
            case 0:
                writer.write(OK)
            case 1:
                writer.write(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")
            case 2:
                writer.write(b"HTTP/1.1 403 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
            case 3:
                writer.transport.abort()
            case _:
                await asyncio.sleep(6)

    tally = await tally_of(misbehave, 50, 0.5, timeout=3)
    assert tally.failures == {"5xx": 5, "4xx": 5, "reset": 5, "timeout": 5}
    assert (tally.due, tally.answered, tally.failed) == (25, 15, 20)


async def test_nobody_there_is_a_connect_failure() -> None:
    async with server(answer) as (port, _):
        pass
    tally = await LoadRun(Load(port, REQUEST, 50, 0.2)).run()
    assert tally.failures == {"connect": 10}


async def test_a_connection_that_is_closed_after_an_answer_is_no_failure() -> None:
    async def once(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    tally = await tally_of(once, 100, 0.3)
    assert (tally.answered, tally.failed) == (30, 0)


async def test_a_load_can_be_ended_early() -> None:
    async with server(answer) as (port, _):
        run = LoadRun(Load(port, REQUEST, 100, 10 * PATIENCE))
        asyncio.get_running_loop().call_later(0.2, run.stop)
        tally = await asyncio.wait_for(run.run(), PATIENCE)
    assert 0 < tally.due < 60
    assert tally.answered == tally.due


async def test_500_a_second_are_all_answered() -> None:
    async with server(answer) as (port, _):
        tally = await LoadRun(Load(port, REQUEST, 500, 2.0)).run()
    assert tally.answered == 1000


@pytest.mark.parametrize(
    ("received", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-le", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", True),
        (b"HTTP/1.1 200 OK\r\nx-content-length: 0\r\ncontent-length: 3\r\n\r\nab", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
    ],
)
def test_where_an_answer_ends(received: bytes, whole: bool) -> None:
    assert is_whole(received) is whole


def test_a_request_with_a_body_says_how_long_it_is() -> None:
    sent = http_request("POST", "/dispatch", {"host": "shop"}, b"{}")
    assert sent == b"POST /dispatch HTTP/1.1\r\nhost: shop\r\ncontent-length: 2\r\n\r\n{}"
    assert stays_open(OK)
    assert not stays_open(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")


@pytest.fixture
def bundle() -> PolicyBundle:
    services = {
        "orbit": {"run": "x", "public": "/", "intents": {"dispatch": "POST /dispatch"}},
        "axon": {"run": "x", "intents": {"reason": "POST /reason"}},
    }
    app = App.model_validate({"app": "shop", "services": services})
    return build_bundle(app, "local", 1, "")


def a_wish(*headers: str, body: bytes | None = None) -> Wish:
    return Wish("", "", "", "", "", headers, body)


@pytest.mark.parametrize("target", [("dispatch",), ("orbit", "dispatch"), ("orbit", "/dispatch")])
def test_what_is_asked_may_be_named_in_several_ways(
    bundle: PolicyBundle, target: tuple[str, ...]
) -> None:
    found = public_call(target, a_wish("x-user: 7", body=b"{}"), bundle)
    assert (found.callee, found.method, found.path) == ("orbit", "POST", "/dispatch")
    assert dict(found.headers) == {
        "accept": "*/*", "content-type": "application/json", "x-user": "7",
    }  # fmt: skip


def test_what_nobody_answers_is_said(bundle: PolicyBundle) -> None:
    assert public_call(("/dispatch",), a_wish(), bundle).callee == "orbit"
    with pytest.raises(NotFound, match="dispatch"):
        public_call(("dispach",), a_wish(), bundle)
    with pytest.raises(InvalidInput):
        public_call(("orbit", "dispatch", "twice"), a_wish(), bundle)


def test_the_command_reports_and_fails_when_a_request_did(
    fairway: CommandLine, bundle: PolicyBundle
) -> None:
    state = StateDir(fairway.folder)
    write_private(state.policy_bundle, bundle.to_json().encode())
    write_private(state.ports, json.dumps({"gateway": 1}).encode())
    done = fairway("load", "dispatch", "--rate", "20", "--duration", "500ms")
    assert done.code == 1
    assert "10 requests failed (100.0 %)" in done.out
    assert "connect 10" in done.out
    found = fairway("load", "dispatch", "--rate", "20", "--duration", "500ms", "--json")
    assert found.json["failures"]["connect"] == 10
    assert fairway("load", "dispatch", "--duration", "soon").code == 2
