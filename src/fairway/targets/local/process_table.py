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
_START_TIME_FIELD = 19
"""Position of `starttime` in /proc/<pid>/stat behind the name, see proc_pid_stat(5)."""


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
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:  # gone, also between opening and reading
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return Seen(pid, float(fields[_START_TIME_FIELD]), zombie=fields[0] in (b"Z", b"X"))


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
    import psutil  # noqa: PLC0415 - slow, and a fresh start needs no scan

    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for pid in _pids():
        if pid in ours:
            continue
        try:
            environment = psutil.Process(pid).environ()
        except (psutil.Error, OSError):  # gone meanwhile, or of another user
            continue
        if environment.get(INSTANCE_VARIABLE) != instance:
            continue
        seen = look(pid)
        if seen is not None and not seen.zombie:
            yield seen, environment.get(TOKEN_VARIABLE, "")


def _pids() -> list[int]:
    if _LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - fast
    import psutil  # noqa: PLC0415 - slow, and Linux does without

    return psutil.pids()


def is_running(seen: Seen) -> bool:
    """Whether that very process still runs: not its pid in another process, not its corpse."""
    now = look(seen.pid)
    return now is not None and now.mark == seen.mark and not now.zombie
