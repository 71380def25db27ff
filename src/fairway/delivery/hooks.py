"""Runs one hook of a deployment: a command with all that it starts, or one HTTP request.

The engine calls it, phase by phase. Guarantees: it ends within the hook's time-out; whatever the
command started in its process group is gone afterwards, also when the engine is stopped; only the
end of the output is kept, with the values of secrets blanked; a failure is a result, not an error.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fairway.delivery.store.looks import HookResult
from fairway.model.hooks import Hook, HttpHook

KEPT = 8192
"""Bytes of output, the last ones: failures say why in the end."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")
"""All that a command gets of the engine's own environment, which may hold credentials."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a command runs and with which variables; `secrets` are values that nobody may see."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


async def run_hook(
    hook: Hook, where: Surroundings, about: Mapping[str, str], clock: Callable[[], float]
) -> HookResult:
    """Run it; `about` are variables that say for which deployment."""
    began = clock()
    try:
        async with asyncio.timeout(hook.timeout):
            if hook.http is not None:
                passed, words, output = await _request(hook.http, about)
            else:
                passed, words, output = await _command(hook.run or "", where, about)
    except TimeoutError:
        passed, words, output = False, f"no end after {hook.timeout:g} s", ""
    now = clock()
    return HookResult(hook.name, passed, words, _blanked(output, where), now, now - began)


async def _command(
    command: str, where: Surroundings, about: Mapping[str, str]
) -> tuple[bool, str, str]:
    own = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command, cwd=where.folder, env={**own, **where.variables, **about},
            stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return False, f"it cannot be started: {error}", ""
    try:
        output = await _output(process)
    finally:
        _end_group(process)
    code = process.returncode
    return code == 0, f"it ended with {code}", output


async def _output(process: Process) -> str:
    """The end of what it printed, until it ends; what it left in the background is not waited for.

    The group is ended first, because whatever is left in it holds the pipe open.
    """
    assert process.stdout is not None, "it was asked for"
    reading = asyncio.create_task(_tail(process.stdout))
    try:
        await process.wait()
        _end_group(process)
        return await reading
    finally:
        reading.cancel()


async def _tail(stream: asyncio.StreamReader) -> str:
    kept = b""
    while chunk := await stream.read(65536):
        kept = (kept + chunk)[-KEPT:]
    return kept.decode(errors="replace")


def _end_group(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _request(hook: HttpHook, about: Mapping[str, str]) -> tuple[bool, str, str]:
    import httpx2  # noqa: PLC0415 - most deployments ask nobody

    headers = {"x-fairway-deployment": about["FAIRWAY_DEPLOYMENT"], **hook.headers}
    try:
        async with httpx2.AsyncClient(timeout=None) as client:
            answer = await client.request(hook.method, hook.url, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return False, f"no answer: {error or type(error).__name__}", ""
    status = str(answer.status_code)
    passed = status == hook.expect or (hook.expect.endswith("xx") and status[0] == hook.expect[0])
    return passed, f"it answered {status}, {hook.expect} was expected", answer.text[-KEPT:]


def _blanked(output: str, where: Surroundings) -> str:
    for secret in filter(None, where.secrets):
        output = output.replace(secret, "***")
    return output
