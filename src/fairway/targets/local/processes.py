"""Start, watch, stop and find again the processes of the local target.

The supervisor starts replicas through `Processes`, the mesh its Envoys. Guarantees:

- a program never runs before the ledger knows it: its shell waits at a gate that opens after the
  record is written, and gives up when Fairway dies first;
- processes outlive Fairway: own session, no input, output appended to a log file, no pipes;
- a stopped process leaves nothing: its session, and children that left the session, go with it
  (only one that leaves its session and also erases its own environment is out of sight);
- a pid that the kernel gave to someone else is never signalled.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairway.errors import InvalidInput
from fairway.plan.observed import WORKING_TREE
from fairway.targets.local.layout import private_dir
from fairway.targets.local.ledger import Ledger, ProcessKind, ProcessRecord
from fairway.targets.local.process_table import (
    INSTANCE_VARIABLE,
    TOKEN_VARIABLE,
    Seen,
    boot_id,
    is_running,
    look,
    marked,
    session_members,
)

_GATE = 'read -r go && exec "$@" </dev/null'
_POLL = 0.01
_KILL_PATIENCE = 5.0
"""How long the kernel may take to end killed processes, in seconds."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. `inherited` is passed on too, but a change of it is no reason to restart.

    `sockets` are open file descriptors that the program gets under the same numbers.
    """

    kind: ProcessKind
    name: str
    argv: tuple[str, ...]
    cwd: Path
    log: Path
    replica: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    version: str = WORKING_TREE
    declaration: str = ""
    sockets: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Equal when a running process may stand for this launch."""
        own = sorted(self.environment.items())
        what = [self.argv, str(self.cwd), own, self.version, self.declaration]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: its exit code, or the signal that ended it; neither when unknown.

    It stays unknown for adopted processes, whose parent Fairway is not.
    """

    code: int | None = None
    signal: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it said that all went well."""
        return self.code == 0

    def __str__(self) -> str:
        if self.signal is not None:
            return f"killed by {signal.Signals(self.signal).name}"
        return "ended, exit code unknown" if self.code is None else f"exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Survey:
    """What an earlier Fairway left running: known processes, and strays that no record covers."""

    running: tuple[ProcessRecord, ...]
    strays: tuple[Seen, ...]


class Processes:
    """The processes of one state folder. Used from one thread, by the holder of its lock."""

    def __init__(self, ledger: Ledger, instance: str) -> None:
        self._ledger = ledger
        self._instance = instance
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._left_behind: dict[str, tuple[Seen, ...]] = {}
        self._exits: dict[str, Exit] = {}
        self._hurrying = False

    def start(self, launch: Launch) -> ProcessRecord:
        """Start a program; returns as soon as it may run. InvalidInput when its folder is missing.

        A program that cannot be found or executed ends at once with code 127 or 126.
        """
        token = f"{launch.kind}/{launch.name}/{launch.replica}/{secrets.token_hex(8)}"
        gate, opener = os.pipe()
        try:
            child = self._spawn(launch, token, gate)
            record = _record(launch, token, child.pid)
            self._children[token] = child
            self._ledger.add(record)
            with contextlib.suppress(BrokenPipeError):  # it ended already: `poll` will tell
                os.write(opener, b"go\n")
        finally:
            os.close(gate)
            os.close(opener)
        return record

    def _spawn(self, launch: Launch, token: str, gate: int) -> subprocess.Popen[bytes]:
        if not launch.cwd.is_dir():
            raise InvalidInput(
                "folder-missing",
                f"{launch.name} should start in a folder that does not exist",
                where=str(launch.cwd),
                remedy="correct `build` (or `root`) in the app file, or create the folder",
            )
        marks = {INSTANCE_VARIABLE: self._instance, TOKEN_VARIABLE: token}
        private_dir(launch.log.parent)
        log = os.open(launch.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GATE, launch.name, *launch.argv],
                cwd=launch.cwd,
                env={**launch.inherited, **launch.environment, **marks},
                stdin=gate,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=launch.sockets,
            )
        finally:
            os.close(log)

    def is_alive(self, record: ProcessRecord) -> bool:
        """Whether that very process runs: same pid, same start, same boot, not a zombie."""
        return record.boot_id == boot_id() and is_running(_leader(record))

    def poll(self, record: ProcessRecord) -> Exit | None:
        """None while it runs, else how it ended. Reaps our own children."""
        if record.token in self._exits:
            return self._exits[record.token]
        if self.is_alive(record):
            return None
        self._left_behind[record.token] = self._members(record)
        self._exits[record.token] = self._reap(record.token)
        return self._exits[record.token]

    async def stop(self, record: ProcessRecord, grace: float) -> Exit:
        """Ask everything that it started to go (SIGTERM), after `grace` seconds SIGKILL the rest.

        Also clears what a process that ended by itself has left behind. Always forgets the record.
        """
        members = self._members(record)
        await self._end(record, members, grace)
        ended = self.poll(record)
        self._forget(record)
        return ended or Exit(signal=signal.SIGKILL)

    async def _end(self, record: ProcessRecord, members: tuple[Seen, ...], grace: float) -> None:
        await self._signal_and_wait(members, signal.SIGTERM, grace)
        deadline = time.monotonic() + _KILL_PATIENCE
        while members := self._members(record):  # what forked meanwhile is found again
            await self._signal_and_wait(members, signal.SIGKILL, _KILL_PATIENCE)
            if time.monotonic() > deadline:
                return

    def hurry(self) -> None:
        """From now on skip grace periods, also those that have begun."""
        self._hurrying = True

    def known(self) -> tuple[ProcessRecord, ...]:
        """Every process that was started and not stopped, oldest first."""
        return self._ledger.records()

    def survey(self) -> Survey:
        """Find what an earlier Fairway left; forgets records of processes that are gone."""
        running = []
        for record in self._ledger.records():
            if self.is_alive(record):
                running.append(record)
            else:
                self._ledger.remove(record)
        return Survey(tuple(running), self.strays())

    def strays(self) -> tuple[Seen, ...]:
        """Processes that carry our mark, and that no record covers."""
        known = {record.token for record in self._ledger.records()}
        return tuple(seen for seen, token in marked(self._instance) if token not in known)

    def ours(self) -> frozenset[int]:
        """The pids of everything that carries our mark."""
        return frozenset(seen.pid for seen, _ in marked(self._instance))

    async def clear(self, strays: Iterable[Seen], grace: float = 2.0) -> None:
        """End processes that no record covers: SIGTERM, then SIGKILL after `grace` seconds."""
        strays = tuple(strays)
        await self._signal_and_wait(strays, signal.SIGTERM, grace)
        await self._signal_and_wait(strays, signal.SIGKILL, _KILL_PATIENCE)

    async def end_all(self, grace: float = 5.0) -> tuple[str, ...]:
        """End everything that comes from here, recorded or stray; returns what it was.

        Whoever receives telemetry goes last: the others tell it how they ended.
        """
        survey = self.survey()
        for last in (False, True):
            leaving = (each for each in survey.running if (each.kind == "telemetry") is last)
            await asyncio.gather(*(self.stop(record, grace) for record in leaving))
        await self.clear(survey.strays)
        names = [f"{record.label} ({record.kind})" for record in survey.running]
        return (*names, *(f"process {stray.pid}" for stray in survey.strays))

    async def _signal_and_wait(
        self, members: tuple[Seen, ...], number: int, patience: float
    ) -> None:
        for seen in members:
            if is_running(seen):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(seen.pid, number)
        deadline = time.monotonic() + patience
        while any(is_running(seen) for seen in members) and time.monotonic() < deadline:
            if self._hurrying and number != signal.SIGKILL:
                return
            await asyncio.sleep(_POLL)

    def _members(self, record: ProcessRecord) -> tuple[Seen, ...]:
        """Everything alive that comes from this start.

        The session is only asked while the leader's pid is still the leader's (running or not
        yet reaped): afterwards the kernel may have given it to a stranger with a session of its
        own, and only the mark in the environment counts.
        """
        found = {seen.pid: seen for seen in self._left_behind.get(record.token, ())}
        leader = look(record.pid)
        if leader is not None and record.boot_id == boot_id() and leader.mark == record.mark:
            found |= {seen.pid: seen for seen in session_members(record.pid)}
        found |= {s.pid: s for s, token in marked(self._instance) if token == record.token}
        return tuple(seen for seen in found.values() if is_running(seen))

    def _reap(self, token: str) -> Exit:
        child = self._children.pop(token, None)
        if child is None:
            return Exit()
        code = child.wait()
        return Exit(signal=-code) if code < 0 else Exit(code=code)

    def _forget(self, record: ProcessRecord) -> None:
        self._left_behind.pop(record.token, None)
        self._exits.pop(record.token, None)
        self._ledger.remove(record)


def _leader(record: ProcessRecord) -> Seen:
    return Seen(record.pid, record.mark, zombie=False)


def _record(launch: Launch, token: str, pid: int) -> ProcessRecord:
    seen = look(pid)
    assert seen is not None, "a child that was not waited for stays in the process table"
    return ProcessRecord(
        kind=launch.kind,
        name=launch.name,
        replica=launch.replica,
        pid=pid,
        mark=seen.mark,
        boot_id=boot_id(),
        started_at=time.time(),
        fingerprint=launch.fingerprint,
        version=launch.version,
        token=token,
        log=str(launch.log),
        port=launch.port,
    )
