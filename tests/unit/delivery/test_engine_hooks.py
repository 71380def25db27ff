"""Hooks: commands with all that they start, and requests; what is kept of them, and what is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.delivery.certified import wanting_certificates

from fairway.delivery.hooks import KEPT, Surroundings, run_hook
from fairway.delivery.store.looks import HookResult
from fairway.model.hooks import Hook

ABOUT = {"FAIRWAY_DEPLOYMENT": "d7", "FAIRWAY_PHASE": "pre_shift"}


FOREVER = 10_000
"""Seconds: whoever waits for this is ended by the time that a test may take."""


async def result(
    folder: Path, hook: Mapping[str, Any], secrets: tuple[str, ...] = (), **variables: str
) -> HookResult:
    where = Surroundings(folder, variables, secrets)
    declared = Hook.model_validate({"name": "smoke", **hook})
    return await run_hook(declared, where, ABOUT, time.time)


async def test_a_command_that_ends_well_passes_with_its_output(tmp_path: Path) -> None:
    done = await result(tmp_path, {"run": "pwd; echo oops >&2"})
    assert (done.name, done.passed, done.words) == ("smoke", True, "it ended with 0")
    assert done.output == f"{tmp_path}\noops\n"


async def test_a_command_that_fails_says_how(tmp_path: Path) -> None:
    done = await result(tmp_path, {"run": "exit 3"})
    assert (done.passed, done.words) == (False, "it ended with 3")


async def test_a_command_knows_where_it_is_and_nothing_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the engine's own")
    done = await result(tmp_path, {"run": "env"}, REGION="here")
    variables = dict(line.split("=", 1) for line in done.output.splitlines())
    assert variables.items() >= {**ABOUT, "REGION": "here"}.items()
    assert "PATH" in variables
    assert "AWS_SECRET_ACCESS_KEY" not in variables


async def test_secrets_are_blanked_and_only_the_end_is_kept(tmp_path: Path) -> None:
    noisy = f"head -c {3 * KEPT} /dev/zero | tr '\\0' x; echo; echo $KEY"
    done = await result(tmp_path, {"run": noisy}, ("hunter2", ""), KEY="hunter2")
    assert done.output.endswith("x\n***\n")
    assert len(done.output) <= KEPT


async def test_after_its_time_everything_that_it_started_is_gone(tmp_path: Path) -> None:
    command = f"(sleep 1; touch late) & sleep {FOREVER}"
    done = await result(tmp_path, {"run": command, "timeout": "200ms"})
    assert (done.passed, done.words) == (False, "no end after 0.2 s")
    await asyncio.sleep(1.1)
    assert not (tmp_path / "late").exists()


async def test_what_it_leaves_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    command = f"sleep {FOREVER} & echo done"
    assert (await result(tmp_path, {"run": command})).output == "done\n"


async def test_what_fled_from_its_group_holds_nothing_up(tmp_path: Path) -> None:
    fled = (
        "import os, time; os.setsid(); open('fled', 'w').close()\n"
        "while not os.path.exists('may-end'): time.sleep(0.05)"
    )
    command = f'python3 -c "{fled}" & while [ ! -e fled ]; do sleep 0.05; done; echo done'
    done = await result(tmp_path, {"run": command})
    (tmp_path / "may-end").touch()
    assert (done.passed, done.output) == (True, "done\n")


async def test_interrupted_it_leaves_nothing_behind(tmp_path: Path) -> None:
    hook = asyncio.create_task(result(tmp_path, {"run": "touch began; sleep 0.5; touch late"}))
    while not (tmp_path / "began").exists():
        await asyncio.sleep(0.01)
    hook.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hook
    await asyncio.sleep(0.7)
    assert not (tmp_path / "late").exists()


async def test_what_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    done = await result(tmp_path / "nowhere", {"run": "true"})
    assert (done.passed, "cannot be started" in done.words) == (False, True)


@asynccontextmanager
async def answering(status: str, heard: Callable[[bytes], object]) -> AsyncIterator[str]:
    """A server with one answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status} It\r\ncontent-length: 4\r\n\r\nwell".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/smoke"


@pytest.mark.parametrize(
    ("expect", "status", "passed"),
    [("2xx", "204", True), ("2xx", "302", False), ("404", "404", True), ("200", "201", False)],
)
async def test_an_answer_is_what_was_expected_or_not(
    tmp_path: Path, expect: str, status: str, passed: bool
) -> None:
    heard: list[bytes] = []
    async with answering(status, heard.append) as url:
        done = await result(tmp_path, {"http": {"url": url, "method": "POST", "expect": expect}})
    assert done.passed == passed
    assert status in done.words
    assert heard[0].startswith(b"POST /smoke ")
    assert b"x-fairway-deployment: d7" in heard[0]


async def test_nobody_answering_is_a_failure(tmp_path: Path) -> None:
    done = await result(tmp_path, {"http": {"url": "http://127.0.0.1:9/"}})
    assert (done.passed, done.words.startswith("no answer")) == (False, True)


async def test_who_wants_a_certificate_first_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wanting_certificates(tmp_path, monkeypatch) as url:
        done = await result(tmp_path, {"http": {"url": url}})
    assert not done.passed
    assert "certificate required" in done.words
