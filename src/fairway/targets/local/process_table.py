"""What the kernel knows about processes: which one a pid means, and which belong together.

`processes.py` is the only caller. A pid alone names nobody, since the kernel uses it again: a
process is known by its pid, its start mark and the boot it belongs to. Processes of Fairway also
carry two environment variables, which their children inherit, so that even a child that left
session and process group, and lost its parents, is found.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INSTANCE_VARIABLE = "FAIRWAY_INSTANCE"
"""Which state folder started this process."""
TOKEN_VARIABLE = "FAIRWAY_PROCESS"  # noqa: S105 - not a secret: it tells starts apart
"""Which start of which replica this process comes from."""

_LINUX = sys.platform.startswith("linux")
_STATE, _PARENT, _START_TIME = 0, 1, 19
"""Positions in /proc/<pid>/stat behind the name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as the kernel shows it. `mark` is only compared, never shown."""

    pid: int
    mark: float
    zombie: bool


def look(pid: int) -> Seen | None:
    """The process that has this pid now, dead but unreaped ones included; None when nobody."""
    return _look_in_proc(pid) if _LINUX else _look_with_psutil(pid)


def _look_in_proc(pid: int) -> Seen | None:
    """Ticks since boot never change, unlike start times that follow the wall clock's steps."""
    fields = _stat(pid)
    if fields is None:
        return None
    return Seen(pid, float(fields[_START_TIME]), zombie=fields[_STATE] in (b"Z", b"X"))


def _stat(pid: int) -> list[bytes] | None:
    """/proc/<pid>/stat behind the name, which may hold anything, see proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - ten times a second
            stat = file.read()
    except OSError:  # gone, also between opening and reading
        return None
    return stat[stat.rindex(b")") + 2 :].split()


def _look_with_psutil(pid: int) -> Seen | None:
    import psutil  # noqa: PLC0415 - slow, and Linux does without

    try:
        process = psutil.Process(pid)
        return Seen(pid, process.create_time(), process.status() == psutil.STATUS_ZOMBIE)
    except psutil.ZombieProcess:
        return Seen(pid, 0.0, zombie=True)
    except psutil.Error:
        return None


@functools.cache
def boot_id() -> str:
    """Identifies the running boot of this machine."""
    if _LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    command = ["sysctl", "-n", "kern.bootsessionuuid"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def session_members(leader: int) -> Iterator[Seen]:
    """The living processes of a session; only meaningful while its leader's pid is not reused."""
    for pid in _pids():
        try:
            session = os.getsid(pid)
        except OSError:  # gone meanwhile, or not ours to ask about
            continue
        if session == leader and (seen := look(pid)) is not None and not seen.zombie:
            yield seen


def marked(instance: str) -> Iterator[tuple[Seen, str]]:
    """The living processes of one state folder with their token, except us and our ancestors.

    An ancestor can carry the mark when someone runs Fairway from inside one of its services.
    """
    ours = _lineage()
    for pid in _pids():
        token = _token(pid, instance) if pid not in ours else None
        seen = look(pid) if token is not None else None
        if token is not None and seen is not None and not seen.zombie:
            yield seen, token


def _token(pid: int, instance: str) -> str | None:
    """The token of a process of this state folder; None for every other process."""
    return _token_in_proc(pid, instance) if _LINUX else _token_with_psutil(pid, instance)


def _token_in_proc(pid: int, instance: str) -> str | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone meanwhile, or of another user
        return None
    if f"{INSTANCE_VARIABLE}={instance}\0".encode() not in environment:
        return None
    start = f"{TOKEN_VARIABLE}=".encode()
    tokens = (item for item in environment.split(b"\0") if item.startswith(start))
    return next(tokens, start)[len(start) :].decode("utf-8", "replace")


def _token_with_psutil(pid: int, instance: str) -> str | None:
    import psutil  # noqa: PLC0415 - slow, and Linux does without

    try:
        environment = psutil.Process(pid).environ()
    except (psutil.Error, OSError):  # gone meanwhile, or of another user
        return None
    if environment.get(INSTANCE_VARIABLE) != instance:
        return None
    return environment.get(TOKEN_VARIABLE, "")


def _lineage() -> frozenset[int]:
    """This process and those that it comes from."""
    if not _LINUX:
        import psutil  # noqa: PLC0415 - slow, and Linux does without

        return frozenset({os.getpid(), *(parent.pid for parent in psutil.Process().parents())})
    lineage, pid = set(), os.getpid()
    while pid > 0 and (fields := _stat(pid)) is not None:
        lineage.add(pid)
        pid = int(fields[_PARENT])
    return frozenset(lineage)


def _pids() -> list[int]:
    if _LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - fast
    import psutil  # noqa: PLC0415 - slow, and Linux does without

    return psutil.pids()


def is_running(seen: Seen) -> bool:
    """Whether that very process still runs: not its pid in another process, not its corpse."""
    now = look(seen.pid)
    return now is not None and now.mark == seen.mark and not now.zombie
