"""Folders of Terraform on this machine: who reads them, and who writes to a shared one."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Have a folder, and those above it that are missing, with mode 0700; returns it.

    Plans and states hold secrets in clear.
    """
    if not path.exists():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


@asynccontextmanager
async def turn(lock: Path) -> AsyncIterator[None]:
    """Wait for one's turn among all processes of this user: Terraform's cache of providers has no
    lock of its own.
    """
    with lock.open("a") as held:
        await asyncio.to_thread(fcntl.flock, held, fcntl.LOCK_EX)
        yield
