"""One Terraform process: started apart from us, heard while it runs, stopped in an orderly way.

`runner.py` uses it. Guarantees:

- what it says goes to a file that is read while it grows: when we are killed, Terraform is not (a
  broken pipe would end it in the middle of an apply), and saves its state
- cancelling means SIGINT: Terraform finishes what it began and saves its state, and only then is
  the cancellation passed on
- it reads no input, and belongs to no terminal
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from fairway.errors import Unavailable
from fairway.targets.aws.terraform.locks import Run

_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 600.0
"""For how long a cancelled run may bring what it began to an end."""
_GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended, and what it wrote to standard output and standard error."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Started:
    """What is started, where, with which variables."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


async def captured(asked: Started, given: bytes | None = None) -> Ended:
    """Run a short command; its output stays in memory, because it may hold secrets."""
    process = await _begin(asked, asyncio.subprocess.PIPE, asyncio.subprocess.PIPE, given)
    try:
        output, errors = await process.communicate(given)
    except asyncio.CancelledError:
        await _interrupt(process)
        raise
    return Ended(process.returncode or 0, output.decode(), errors.decode(errors="replace"))


async def followed(
    asked: Started, log: Path, hear: Callable[[str], None], note: Callable[[int], None]
) -> Ended:
    """Run a long command; `hear` gets every line as it comes, `note` the number of the process."""
    problems = log.with_suffix(".err")
    with _fresh(log) as output, _fresh(problems) as errors:
        process = await _begin(asked, output.fileno(), errors.fileno())
    note(process.pid)
    with log.open(encoding="utf-8", errors="replace") as reader:
        tail = _Tail(hear)
        try:
            while not await _has_ended(process):
                tail.feed(reader.read())
        except asyncio.CancelledError:
            await _interrupt(process)
            raise
        finally:
            tail.feed(reader.read())
    return Ended(process.returncode or 0, "", problems.read_text(errors="replace"))


def own_name() -> str:
    """What Terraform calls whoever holds a lock: user@host."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def run_of(pid: int, operation: str) -> Run:
    """The note of a process that has just been started."""
    try:
        began = psutil.Process(pid).create_time()
    except _GONE:
        began = 0.0
    return Run(pid, began, own_name(), operation, time.time())


def is_alive(run: Run) -> bool:
    """Whether that very process, not another one with its number, still runs on this machine."""
    if run.who.partition("@")[2] != socket.gethostname():
        return False
    try:
        process = psutil.Process(run.pid)
        return process.create_time() == run.began and process.status() != psutil.STATUS_ZOMBIE
    except _GONE:
        return False


def keep_run(file: Path, run: Run) -> None:
    """Note a run where the next control plane looks for it."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(run)))
    fresh.replace(file)


def kept_run(file: Path) -> Run | None:
    """The run that was noted, None without one."""
    try:
        return Run(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


class _Tail:
    """Whole lines of a text that arrives in pieces."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._rest = ""

    def feed(self, piece: str) -> None:
        *lines, self._rest = (self._rest + piece).split("\n")
        for line in lines:
            self._hear(line)


async def _begin(
    asked: Started, output: int, errors: int, given: bytes | None = None
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *asked.command,
            cwd=asked.folder,
            env=dict(asked.environment),
            stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise Unavailable(
            "terraform-does-not-start",
            f"{asked.command[0]} cannot be started: {error.strerror}",
            where=asked.command[0],
            remedy="see whether the program is there and may be run",
        ) from error


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def _interrupt(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop and wait; one that takes too long goes on alone, and saves its state."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_SECONDS):
            await process.wait()


def _fresh(file: Path) -> BinaryIO:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "wb")
