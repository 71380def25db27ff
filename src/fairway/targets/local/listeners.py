"""Who listens on which loopback port of this machine.

Asked for drift only: on a busy machine the answer takes its time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

_Listener = tuple[int, int | None]
"""A port and the process that listens there, None if that is not said."""


def foreign_listeners(ports: Collection[int], ours: Collection[int]) -> dict[int, str]:
    """Who listens on `ports` without being one of `ours` (pids), in words, by port."""
    return {port: _name(pid) for port, pid in _listeners() if port in ports and pid not in ours}


def _listeners() -> Iterator[_Listener]:
    """All of them; where only root may see those of everyone (macOS), those of this user."""
    import psutil  # noqa: PLC0415 - 35 ms that only this question needs

    try:
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr:
                yield found.laddr.port, found.pid
    except psutil.AccessDenied:
        yield from _of_this_user()


def _of_this_user() -> Iterator[_Listener]:
    import psutil  # noqa: PLC0415 - likewise

    for process in psutil.process_iter():
        try:
            owned = process.net_connections("tcp")
        except psutil.Error:  # gone meanwhile, or of another user
            continue
        for found in owned:
            if found.status == psutil.CONN_LISTEN and found.laddr:
                yield found.laddr.port, process.pid


def _name(pid: int | None) -> str:
    import psutil  # noqa: PLC0415 - likewise

    if pid is None:
        return "a process of another user"
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:  # gone meanwhile
        return f"process {pid}"
