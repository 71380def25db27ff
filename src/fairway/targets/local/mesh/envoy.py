"""One Envoy: start or adopt its process, replace its files stage by stage, confirm each.

Who calls it: `envoys.py`, which knows the whole mesh. It guarantees that `run` and `roll_out`
return only when Envoy has taken every file; a file that it rejects is put back and reported.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairway.errors import Unavailable
from fairway.targets.local.layout import private_file
from fairway.targets.local.mesh.admin import Admin, AdminUnreachable
from fairway.targets.local.mesh.confirming import EnvoyRejected
from fairway.targets.local.mesh.folder import ConfigFolder
from fairway.targets.local.mesh.launching import EnvoyLaunch, Handle, Launcher
from fairway.targets.mesh.render import EnvoyPaths
from fairway.targets.mesh.render.document import (
    Json,
)
from fairway_runtime.agent.confirming import FILTER, Statistics, reason_in_log, verdict
from fairway_runtime.agent.files import (
    BOOTSTRAP,
)
from fairway_runtime.agent.rollout import Files, Stage, endpoints, stages

_START_PATIENCE = 20.0
_PATIENCE = 10.0
_HEALTH_PATIENCE = 3.0
_POLL = 0.01


@dataclass(frozen=True, slots=True)
class EnvoyPlace:
    """Where one Envoy lives: its files, its own log, and the binary."""

    name: str
    binary: Path
    paths: EnvoyPaths
    log: Path


class Envoy:
    """One Envoy process and its files. Its methods are not to be called concurrently."""

    def __init__(self, place: EnvoyPlace, launcher: Launcher) -> None:
        self.place = place
        self.admin = Admin(place.paths.admin)
        self._folder = ConfigFolder(place.paths.config)
        self._launcher = launcher
        self._handle: Handle | None = None

    @property
    def name(self) -> str:
        """The service, or `gateway`."""
        return self.place.name

    @property
    def pid(self) -> int | None:
        """The process, if one was started or adopted."""
        return None if self._handle is None else self._handle.pid

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._handle is not None and self._launcher.is_alive(self._handle)

    def files(self) -> dict[str, Json]:
        """The files that it runs on."""
        return self._folder.files()

    def edited(self) -> tuple[str, ...]:
        """The files that someone else has changed or removed."""
        return self._folder.edited()

    async def restore(self) -> None:
        """Write edited files again; returns when Envoy has taken them."""
        names = self.edited()
        self._folder.restore(names)
        files = self._folder.files()
        await self._confirm({n: files[n] for n in names if n != BOOTSTRAP}, {})

    async def run(self, files: Files) -> bool:
        """Have it run on these files; True when an Envoy of an earlier Fairway was adopted."""
        self._handle = await self._adopted(files)
        if self._handle is not None:
            await self.roll_out(files)
            await self._confirm({n: f for n, f in files.items() if n != BOOTSTRAP}, {})
            return True
        await self._start(files)
        return False

    async def restart(self) -> None:
        """Start it again with the files that are there, after its process has died."""
        if self._handle is not None:
            await self._launcher.stop(self._handle, grace=0.0)
        await self._start(self._folder.files())

    async def roll_out(self, files: Files) -> None:
        """Change to these files without a gap. EnvoyRejected when it does not take one."""
        for stage in stages(self._folder.files(), files):
            await self._take(stage)

    async def stop(self, grace: float = 2.0) -> None:
        """End the process; its files stay."""
        if self._handle is not None:
            await self._launcher.stop(self._handle, grace)
            self._handle = None
        self.place.paths.admin.unlink(missing_ok=True)

    async def _adopted(self, files: Files) -> Handle | None:
        handle = self._launcher.adopt(self._launch())
        if handle is None:
            return None
        if self._folder.files().get(BOOTSTRAP) != files[BOOTSTRAP] or not await self._answers():
            await self._launcher.stop(handle, grace=2.0)
            return None
        return handle

    async def _answers(self) -> bool:
        try:
            return await self.admin.is_ready()
        except AdminUnreachable:
            return False

    async def _start(self, files: Files) -> None:
        for stale in self._folder.files().keys() - files.keys():
            self._folder.remove(stale)
        self._folder.write(files)
        self.place.paths.admin.unlink(missing_ok=True)
        private_file(self.place.paths.access_log)  # Envoy itself would make it readable for all
        log_start = _size(self.place.log)
        self._handle = self._launcher.start(self._launch())
        watched = {name: file for name, file in files.items() if name != BOOTSTRAP}
        await self._until_up(log_start)
        try:
            await self._confirm(watched, {}, log_start=log_start, patience=_START_PATIENCE)
        except AdminUnreachable:
            if self.is_alive:
                raise
            raise self._did_not_start(log_start) from None

    def _launch(self) -> EnvoyLaunch:
        argv = (
            str(self.place.binary),
            *("--config-path", str(self.place.paths.config / BOOTSTRAP)),
            *("--concurrency", "1"),
            "--disable-hot-restart",
            *("--log-level", "warning"),
            # A collector that is down would be logged at each export; its cluster counts it.
            *("--component-log-level", "tracing:critical"),
            *("--file-flush-interval-msec", "500"),
        )
        return EnvoyLaunch(self.name, argv, self.place.paths.config, self.place.log)

    async def _until_up(self, log_start: int) -> None:
        """Wait for the admin socket; a process that ended says why in its log."""
        deadline = time.monotonic() + _START_PATIENCE
        while True:
            try:
                await self.admin.is_ready()
                return
            except AdminUnreachable:
                if not self.is_alive or time.monotonic() > deadline:
                    raise self._did_not_start(log_start) from None
            await asyncio.sleep(_POLL)

    def _did_not_start(self, log_start: int) -> Unavailable:
        why = first_complaint(self._log_since(log_start))
        return Unavailable(
            "envoy-did-not-start",
            f"the Envoy of {self.name} did not start: {why}",
            where=str(self.place.log),
            remedy="correct what its log says, then start again",
        )

    async def _take(self, stage: Stage) -> None:
        before = await self.admin.statistics(FILTER)
        replaced = self._folder.files()
        log_start = _size(self.place.log)
        self._folder.write(stage.writes)
        try:
            await self._confirm(stage.writes, before, log_start=log_start)
        except EnvoyRejected:
            self._folder.write({n: replaced[n] for n in stage.writes if n in replaced})
            raise
        await self._until_healthy(replaced, stage.writes)
        for name in stage.removes:
            self._folder.remove(name)

    async def _confirm(
        self, files: Files, before: Statistics, *, log_start: int = 0, patience: float = _PATIENCE
    ) -> None:
        deadline = time.monotonic() + patience
        while True:
            found = verdict(files, before, await self.admin.statistics(FILTER))
            if found.taken:
                return
            if found.rejected:
                file = self.place.paths.config / found.rejected[0]
                raise EnvoyRejected(self.name, file, reason_in_log(self._log_since(log_start)))
            if time.monotonic() > deadline:
                raise self._too_slow(found.pending)
            await asyncio.sleep(_POLL)

    def _too_slow(self, pending: tuple[str, ...]) -> Unavailable:
        what = ", ".join(pending) or "its clusters or listeners"
        return Unavailable(
            "envoy-too-slow",
            f"the Envoy of {self.name} has not taken {what} in time",
            where=str(self.place.paths.config),
            remedy=f"see its log {self.place.log}, then try again",
        )

    async def _until_healthy(self, old: Files, new: Files) -> None:
        """Give endpoints that will replace others the time for their first health check.

        One that stays unhealthy holds nothing up: what the view says is done all the same.
        """
        awaited = {
            port
            for name, file in new.items()
            if name.startswith("eds.replicas.") and endpoints(old.get(name)) < endpoints(file)
            for port in endpoints(file) - endpoints(old.get(name))
        }
        deadline = time.monotonic() + _HEALTH_PATIENCE
        while awaited and time.monotonic() < deadline:
            awaited -= healthy_ports(await self.admin.clusters())
            await asyncio.sleep(_POLL if awaited else 0)

    def _log_since(self, position: int) -> str:
        with self.place.log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")


def first_complaint(log: str) -> str:
    """The first error in an Envoy's log: what comes after it is mostly its consequence."""
    lines = log.strip().splitlines()
    grave = (line for line in lines if "[critical]" in line or "[error]" in line)
    return next(grave, lines[-1] if lines else "it logged nothing")


def healthy_ports(clusters: list[dict[str, Any]]) -> set[int]:
    """The ports of all hosts that Envoy would send requests to."""
    return {
        host["address"]["socket_address"]["port_value"]
        for cluster in clusters
        for host in cluster.get("host_statuses", [])
        if not {"failed_active_health_check", "failed_outlier_check"} & host["health_status"].keys()
    }


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
