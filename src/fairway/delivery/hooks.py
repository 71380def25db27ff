"""Runs one hook of a deployment: a command with all that it starts, or one HTTP request.

The engine calls it, phase by phase. Guarantees: it ends within the hook's time-out; whatever the
command started in its process group is gone afterwards, also when the engine is stopped; only the
end of the output is kept, with the values of secrets blanked; a failure is a result, not an error.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fairway.delivery.store.looks import HookResult
from fairway.model.hooks import Hook, HttpHook

KEPT = 8192
"""Bytes of output, the last ones: failures say why in the end."""
_LAST_WORDS = 1.0
"""Seconds for the output of a command that has ended: what fled from its group may hold it open."""
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
    async with _kept_output() as (sink, output):
        try:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", command, cwd=where.folder, env={**own, **where.variables, **about},
                stdin=DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            return False, f"it cannot be started: {error}", ""
        finally:
            os.close(sink)
        try:
            code = await process.wait()
        finally:
            _end_group(process)  # whatever is left of it holds the pipe open
        await asyncio.wait({output.reading}, timeout=_LAST_WORDS)
        return code == 0, f"it ended with {code}", output.text


class _Output:
    """The end of what comes out of a stream."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._kept = b""
        self.reading = asyncio.create_task(self._read(stream))

    @property
    def text(self) -> str:
        """What there is so far."""
        return self._kept.decode(errors="replace")

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(65536):
            self._kept = (self._kept + chunk)[-2 * KEPT :]  # a secret at the cut goes with the rest


@asynccontextmanager
async def _kept_output() -> AsyncIterator[tuple[int, _Output]]:
    """Where a command writes to, and the end of what it will have written.

    A pipe of our own: of asyncio's the end of the process is only known when all who hold one let
    go of it, and a command may leave something in the background.
    """
    source, sink = os.pipe()
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(source, "rb", 0)
    )
    output = _Output(stream)
    try:
        yield sink, output
    finally:
        output.reading.cancel()
        transport.close()


def _end_group(process: Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _request(hook: HttpHook, about: Mapping[str, str]) -> tuple[bool, str, str]:
    import httpx2  # noqa: PLC0415 - most deployments ask nobody

    headers = {"x-fairway-deployment": about["FAIRWAY_DEPLOYMENT"], **hook.headers}
    try:
        async with httpx2.AsyncClient(timeout=None) as client:
            answer = await client.request(hook.method, hook.url, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError) as error:
        # A certificate that the other side misses shows at the first read, as an SSLError.
        return False, f"no answer: {error or type(error).__name__}", ""
    status = str(answer.status_code)
    passed = status == hook.expect or (hook.expect.endswith("xx") and status[0] == hook.expect[0])
    return passed, f"it answered {status}, {hook.expect} was expected", answer.text


def _blanked(output: str, where: Surroundings) -> str:
    for secret in filter(None, where.secrets):
        output = output.replace(secret, "***")
    return output[-KEPT:]
