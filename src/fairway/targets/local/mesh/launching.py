"""How the mesh starts, finds again and stops Envoy processes: a port, and its adapter.

`Launcher` is all that `envoys.py` needs. `SupervisedLauncher` is the adapter to the supervisor's
`Processes`, which knows processes by pid, start time and boot, so an Envoy outlives Fairway and is
adopted by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fairway.targets.local.ledger import ProcessRecord
from fairway.targets.local.processes import Launch, Processes


@dataclass(frozen=True, slots=True)
class EnvoyLaunch:
    """One Envoy to start; two equal launches are interchangeable, so one may be adopted."""

    name: str
    argv: Sequence[str]
    cwd: Path
    log: Path


class Handle(Protocol):
    """A started process."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...


class Launcher(Protocol):
    """Starts detached processes whose output goes to a file."""

    def start(self, launch: EnvoyLaunch) -> Handle:
        """Start an Envoy; returns as soon as it may run."""
        ...

    def adopt(self, launch: EnvoyLaunch) -> Handle | None:
        """What an earlier Fairway started for the very same launch, if it still runs."""
        ...

    def is_alive(self, handle: Handle) -> bool:
        """Whether that very process runs."""
        ...

    async def stop(self, handle: Handle, grace: float) -> None:
        """Ask it to go, after `grace` seconds make it go."""
        ...


class SupervisedLauncher:
    """The supervisor's `Processes` as a `Launcher`; `survivors` come from its survey."""

    def __init__(
        self,
        processes: Processes,
        survivors: Iterable[ProcessRecord] = (),
        inherited: Mapping[str, str] | None = None,
    ) -> None:
        self._processes = processes
        self._inherited = inherited or {}
        self._survivors = {r.name: r for r in survivors if r.kind == "envoy"}
        self._records: dict[int, ProcessRecord] = {}

    def start(self, launch: EnvoyLaunch) -> Handle:
        """Start an Envoy; returns as soon as it may run."""
        return self._known(self._processes.start(self._launch(launch)))

    def adopt(self, launch: EnvoyLaunch) -> Handle | None:
        """The survivor for the very same launch, if it still runs."""
        record = self._survivors.pop(launch.name, None)
        if record is None or not self._processes.is_alive(record):
            return None
        if record.fingerprint != self._launch(launch).fingerprint:
            self._survivors[launch.name] = record
            return None
        return self._known(record)

    async def clear(self, grace: float = 2.0) -> None:
        """Stop the survivors that nothing adopted: they hold ports of an earlier configuration."""
        for record in self._survivors.values():
            await self._processes.stop(record, grace)
        self._survivors.clear()

    def is_alive(self, handle: Handle) -> bool:
        """Whether that very process runs."""
        return self._processes.poll(self._records[handle.pid]) is None

    async def stop(self, handle: Handle, grace: float) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds."""
        await self._processes.stop(self._records.pop(handle.pid), grace)

    def _known(self, record: ProcessRecord) -> ProcessRecord:
        self._records[record.pid] = record
        return record

    def _launch(self, launch: EnvoyLaunch) -> Launch:
        return Launch(
            kind="envoy",
            name=launch.name,
            argv=tuple(launch.argv),
            cwd=launch.cwd,
            log=launch.log,
            inherited=self._inherited,
        )
