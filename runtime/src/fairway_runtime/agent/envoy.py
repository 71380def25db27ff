"""The Envoy of a task: a child process, and its files, replaced stage by stage and confirmed.

Used by `running.py`. `roll_out` returns when Envoy has taken every file; one that it rejects is put
back, and `Rejected` says so: it goes on with what it had.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fairway_runtime.agent.confirming import FILTER, Statistics, verdict
from fairway_runtime.agent.exchange import exchange, parse_statistics
from fairway_runtime.agent.files import BOOTSTRAP, Json
from fairway_runtime.agent.rollout import Files, Stage, stages
from fairway_runtime.agent.writing import write

_PATIENCE = 15.0
_POLL = 0.02


class Rejected(Exception):
    """Envoy did not take a file, or not in time; the ones before are in force."""


class Admin:
    """Envoy's admin interface on a Unix socket. OSError, EOFError, ValueError or TimeoutError when
    it does not answer.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def is_ready(self) -> bool:
        """Whether its clusters are warm and its listeners open."""
        try:
            status, _ = await self._ask("/ready")
        except (OSError, EOFError, ValueError, TimeoutError):
            return False
        return status == 200

    async def statistics(self, pattern: str) -> Statistics:
        """Counters and gauges whose names match."""
        _, body = await self._ask(f"/stats?filter={quote(pattern)}")
        return parse_statistics(body.decode())

    async def detailed(self, pattern: str) -> dict[str, Any]:
        """The same with whole histograms."""
        query = f"filter={quote(pattern)}&format=json&histogram_buckets=detailed"
        _, body = await self._ask(f"/stats?{query}")
        found: dict[str, Any] = json.loads(body)
        return found

    async def drain(self) -> None:
        """Fail health checks, and ask long-lived connections to go elsewhere; go on serving."""
        await self._ask("/healthcheck/fail", "POST")
        await self._ask("/drain_listeners?graceful&skip_exit", "POST")

    async def _ask(self, target: str, method: str = "GET") -> tuple[int, bytes]:
        streams = asyncio.open_unix_connection(str(self._socket))
        async with asyncio.timeout(5.0):
            return await self._exchange(streams, target, method)

    async def _exchange(
        self,
        streams: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
        target: str,
        method: str,
    ) -> tuple[int, bytes]:
        return await exchange(await streams, "admin", target, method)


class Envoy:
    """One Envoy process. Its methods are not to be called concurrently."""

    def __init__(self, binary: str, folder: Path, admin: Path) -> None:
        self.admin = Admin(admin)
        self._binary, self._folder, self._socket = binary, folder, admin
        self._files: dict[str, Json] = {}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self, files: Files) -> None:
        """Start it with these files; Rejected when it ends, or takes too long to be ready."""
        for stale in self._folder.glob("*.json"):
            stale.unlink()
        self._write(files)
        self._socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            self._binary,
            *("--config-path", str(self._folder / BOOTSTRAP)),
            *("--concurrency", "2"),
            "--disable-hot-restart",
            *("--log-level", "warning"),
            # A collector that is down would be logged at each export; its cluster counts it.
            *("--component-log-level", "tracing:critical"),
            # Long enough for callers to have read DNS again, short enough for ECS's patience.
            *("--drain-time-s", "10"),
            stdin=asyncio.subprocess.DEVNULL,
        )
        await self._until(self.admin.is_ready, "is not ready")

    async def roll_out(self, files: Mapping[str, Json]) -> None:
        """Change to these files without a gap."""
        for stage in stages(self._files, files):
            await self._take(stage)

    async def replace(self, files: Files) -> None:
        """Replace some files, the secrets, and leave the others."""
        await self.roll_out({**self._files, **files})

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self, grace: float = 3.0) -> None:
        """End it."""
        if self._process is None or not self.is_alive:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _take(self, stage: Stage) -> None:
        before = await self.admin.statistics(FILTER)
        replaced = {name: self._files[name] for name in stage.writes if name in self._files}
        self._write(stage.writes)
        try:
            await self._confirm(stage.writes, before)
        except Exception:  # it did not take them, or did not answer: the next try begins here
            self._write(replaced)
            raise
        for name in stage.removes:
            (self._folder / name).unlink(missing_ok=True)
            self._files.pop(name, None)

    async def _confirm(self, files: Files, before: Statistics) -> None:
        async def taken() -> bool:
            found = verdict(files, before, await self.admin.statistics(FILTER))
            if found.rejected:
                raise Rejected(f"Envoy rejects {', '.join(found.rejected)}")
            return found.taken

        await self._until(taken, f"has not taken {', '.join(files)}")

    async def _until(self, condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not await condition():
            if not self.is_alive:
                raise Rejected("Envoy has ended; its log says why")
            if time.monotonic() > deadline:
                raise Rejected(f"Envoy {otherwise} after {_PATIENCE:.0f} s")
            await asyncio.sleep(_POLL)

    def _write(self, files: Files) -> None:
        for name, content in files.items():
            write(self._folder / name, json.dumps(content).encode())
            self._files[name] = content
