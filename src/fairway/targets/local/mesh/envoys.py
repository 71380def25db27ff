"""The mesh: one Envoy per service and a gateway, kept equal to a `MeshView`.

Who calls it: the local system. In the order of a life:

    start(view)   adopt the Envoys that still run, start the others
    apply(view)   new Envoys first, then every changed file, then Envoys that nobody needs go
    renew()       replace certificates past half-life
    heal()        start Envoys again that have died, bring those up to date that fell behind
    stop()

It guarantees that when `start` or `apply` returns, every Envoy has confirmed every file; a file
that one rejects raises EnvoyRejected, and that Envoy goes on with the file before. An Envoy that a
change did not reach for any other reason (it died, it was busy, the disk was full) stays noted
until `heal` has brought the change there: no old policy, no old certificate is left in force.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.mesh import watches
from fairway.targets.local.mesh.confirming import EnvoyRejected
from fairway.targets.local.mesh.envoy import Envoy, EnvoyPlace
from fairway.targets.local.mesh.launching import Launcher
from fairway.targets.local.mesh.status import EnvoyState, state_of
from fairway.targets.mesh.render import EnvoyPaths, Json, render
from fairway.targets.mesh.render.document import (
    PUBLIC_ROOTS,
)
from fairway.targets.mesh.view import GATEWAY, MeshView, Sidecar
from fairway_runtime.agent.files import (
    IDENTITY,
    TRUST,
    identity_secret,
    secret_file,
    trust_secret,
)

Clock = Callable[[], datetime]
_T = TypeVar("_T")


def system_roots() -> Path:
    """The bundle of certificate authorities that this machine trusts, as its OpenSSL knows it."""
    return Path(ssl.get_default_verify_paths().cafile or PUBLIC_ROOTS)


@dataclass(frozen=True, slots=True)
class MeshPlaces:
    """Where the mesh keeps things: a folder of files per Envoy, logs, and short-named sockets.

    `public_roots` are the certificate authorities for servers outside the mesh.
    """

    config: Path
    logs: Path
    sockets: Path
    public_roots: Path = field(default_factory=system_roots)

    def of(self, name: str, binary: Path) -> EnvoyPlace:
        """The place of one Envoy."""
        paths = EnvoyPaths(
            config=self.config / name,
            admin=self.sockets / f"{name[:40]}.admin",
            access_log=self.logs / f"{name}.access.log",
            public_roots=self.public_roots,
        )
        return EnvoyPlace(name, binary, paths, self.logs / f"{name}.envoy.log")


class Mesh:
    """All Envoys of one environment. Its methods may be called concurrently; they take turns."""

    def __init__(
        self,
        places: MeshPlaces,
        binary: Path,
        launcher: Launcher,
        authority: Authority,
        clock: Clock,
    ) -> None:
        self._places = places
        self._binary = binary
        self._launcher = launcher
        self._authority = authority
        self._clock = clock
        self._envoys: dict[str, Envoy] = {}
        self._view: MeshView | None = None
        self._behind: set[str] = set()
        self._revived: set[str] = set()
        self._turn = asyncio.Lock()

    async def start(self, view: MeshView) -> tuple[str, ...]:
        """Have the mesh run; returns the names of the Envoys that were adopted."""
        async with self._turn:
            self._view = view
            return await self._run(view.names)

    async def apply(self, view: MeshView) -> None:
        """Change the running mesh to `view`; EnvoyRejected when an Envoy does not take a file."""
        async with self._turn:
            self._view = view
            known = [name for name in view.names if name in self._envoys]
            await self._run(name for name in view.names if name not in self._envoys)
            # The gateway last: it sends only such cohorts as every sidecar knows already.
            await _all(self._bring_up_to_date(name) for name in known if name != GATEWAY)
            await _all(self._bring_up_to_date(name) for name in known if name == GATEWAY)
            await self._stop(self._envoys.keys() - set(view.names))

    async def renew(self) -> tuple[str, ...]:
        """Replace the certificates that are past half-life; returns whose."""
        async with self._turn:
            now = self._clock()
            due = [name for name in self._envoys if self._authority.is_due(name, now)]
            await _all(self._bring_up_to_date(name) for name in due)
            return tuple(due)

    async def heal(self) -> tuple[str, ...]:
        """Start Envoys again that have died, and finish every change; returns who had died."""
        async with self._turn:
            dead = {name for name, envoy in self._envoys.items() if not envoy.is_alive}
            await _all(self._bring_up_to_date(name) for name in sorted(dead | self._behind))
            revived, self._revived = sorted(self._revived), set()
            return tuple(revived)

    def edited(self) -> dict[str, tuple[str, ...]]:
        """By Envoy, the files that someone else has changed or removed."""
        found = {name: envoy.edited() for name, envoy in self._envoys.items()}
        return {name: files for name, files in found.items() if files}

    async def restore(self) -> None:
        """Have every Envoy run on the files that it should again."""
        async with self._turn:
            await _all(self._envoys[name].restore() for name in self.edited())

    async def stop(self) -> None:
        """End every Envoy; files and identities stay."""
        async with self._turn:
            await self._stop(set(self._envoys))

    async def status(self) -> dict[str, EnvoyState]:
        """The state of every Envoy, asked from it now."""
        states = await _all(state_of(envoy) for envoy in self._envoys.values())
        return {state.name: state for state in states}

    def envoy(self, name: str) -> Envoy:
        """One Envoy of the running mesh, for those who look closer than `status`."""
        return self._envoys[name]

    def find(self, name: str) -> Envoy | None:
        """One Envoy, if it is there."""
        return self._envoys.get(name)

    def sidecar(self, name: str) -> Sidecar | None:
        """How a service is meant to be served now; None while no Envoy of it runs."""
        return self._view.sidecars.get(name) if self._view and name in self._envoys else None

    async def _run(self, names: Iterable[str]) -> tuple[str, ...]:
        fresh = {name: Envoy(self._places.of(name, self._binary), self._launcher) for name in names}
        # An admin socket hints at an Envoy that runs and has its watchers already.
        absent = [name for name, envoy in fresh.items() if not envoy.place.paths.admin.exists()]
        watches.check(watches.needed(self._files(name) for name in absent))
        self._envoys |= fresh
        adopted = await _all(envoy.run(self._files(name)) for name, envoy in fresh.items())
        return tuple(name for name, was in zip(fresh, adopted, strict=True) if was)

    async def _bring_up_to_date(self, name: str) -> None:
        """Have an Envoy run on the files of the present view, started again if it has died.

        It starts on the files it had, which it is known to take: a new one that it rejects then
        leaves it with those, not without any.
        """
        envoy = self._envoys[name]
        self._behind.add(name)
        if not envoy.is_alive:
            await envoy.restart()
            self._revived.add(name)
        try:
            await envoy.roll_out(self._files(name))
        except EnvoyRejected:
            self._behind.discard(name)  # it would be rejected again
            raise
        self._behind.discard(name)

    async def _stop(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._behind.difference_update(names)
        await _all(self._envoys.pop(name).stop() for name in names)

    def _files(self, name: str) -> dict[str, Json]:
        assert self._view is not None, "start comes first"
        leaf = self._authority.leaf(name, self._clock())
        return {
            **render(self._view, name, self._places.of(name, self._binary).paths),
            secret_file(IDENTITY): identity_secret(leaf.certificate, leaf.key),
            secret_file(TRUST): trust_secret(self._authority.trust_bundle),
        }


async def _all(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Everything at once; all of it ends before the first error is raised."""
    done = await asyncio.gather(*work, return_exceptions=True)
    results = []
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results
