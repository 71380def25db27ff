"""The Envoys of a `LocalSystem` with their identities, kept equal to what the system wants of them.

The system owns one `DataPlane` and gives it the view to follow. It starts beside the services: what
they publish meanwhile waits until there is somebody to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from fairway.model.app import App
from fairway.targets.local.identity.authority import Authority
from fairway.targets.local.layout import StateDir, open_sockets
from fairway.targets.local.mesh.binary import envoy_binary
from fairway.targets.local.mesh.envoys import Mesh, MeshPlaces
from fairway.targets.local.mesh.launching import SupervisedLauncher
from fairway.targets.local.mesh.status import EnvoyState
from fairway.targets.mesh.view import MeshView

_RENEW_INTERVAL, _RENEW_SHARE = 60.0, 1 / 8
"""Between looks for certificates past half-life: seconds, and at most this share of a lifetime, so
that a short-lived one is renewed well before its second half is over."""

Report = Callable[[str, str, str], None]
"""Tells people what happened: a dotted kind, whom it is about, and words."""


class DataPlane:
    """The mesh of one state folder; `view` says at any moment how it should be."""

    def __init__(
        self,
        state: StateDir,
        leaf_lifetime: timedelta,
        report: Report,
        view: Callable[[], MeshView],
    ) -> None:
        self._state = state
        self._leaf_lifetime = leaf_lifetime
        self._report = report
        self._view = view
        self._mesh: Mesh | None = None
        self._names: frozenset[str] = frozenset()
        self._settled = asyncio.Event()
        self._runs = False

    @property
    def mesh(self) -> Mesh:
        """The Envoys; known once `prepare` was called."""
        assert self._mesh is not None, "prepare comes first"
        return self._mesh

    @property
    def names(self) -> frozenset[str]:
        """Whose Envoys run."""
        return self._names

    def prepare(self, app: App, variables: Mapping[str, str], launcher: SupervisedLauncher) -> None:
        """Make sockets and identities; Unavailable without an Envoy to start."""
        places = MeshPlaces(self._state.home / "mesh", self._state.logs, open_sockets(self._state))
        authority = self.identities(app)
        self._mesh = Mesh(places, envoy_binary(variables), launcher, authority, _now)

    def identities(self, app: App) -> Authority:
        """The authority of the app; every client has its identity, and a fresh one when due."""
        domain = f"{app.app}.{self._state.environment}"
        identities = self._state.home / "identity"
        authority = Authority.open(self._state.ca, identities, domain, _now(), self._leaf_lifetime)
        for client in app.clients:
            authority.leaf(client, _now())
        return authority

    async def start(self, launcher: SupervisedLauncher) -> None:
        """Start Envoys, or adopt those that run, and end those that nobody needs."""
        view = self._view()
        self._names = frozenset(view.names)
        adopted = await self.mesh.start(view)
        await launcher.clear()
        self._runs = True
        self._settled.set()
        for name in view.names:
            kind = "adopted" if name in adopted else "running"
            self._report(f"envoy.{kind}", f"{name} envoy", f"Envoy {kind}")

    async def apply(self) -> None:
        """Follow the view; returns when every Envoy does."""
        view = self._view()
        self._names = frozenset(view.names)
        await self.mesh.apply(view)

    async def apply_when_up(self) -> None:
        """Likewise; while the mesh starts, wait for it, and if it never does, only until `stop`."""
        await self._settled.wait()
        if self._runs:
            await self.apply()

    async def heal(self) -> None:
        """Start Envoys again that have died."""
        for name in await self.mesh.heal():
            self._report("envoy.running", f"{name} envoy", "died and was started again")

    @property
    def renew_interval(self) -> float:
        """Seconds between two looks by `renew`."""
        return min(_RENEW_INTERVAL, self._leaf_lifetime.total_seconds() * _RENEW_SHARE)

    async def renew(self) -> None:
        """Replace the Envoys' certificates that are past half-life."""
        for name in await self.mesh.renew():
            self._report("certificate.renewed", name, "certificate renewed")

    async def status(self) -> Mapping[str, EnvoyState]:
        """The state of every Envoy, asked from it now."""
        return {} if self._mesh is None else await self._mesh.status()

    def give_up_waiting(self) -> None:
        """The system stops: nobody need wait for the mesh any more."""
        self._settled.set()

    async def stop(self) -> None:
        """End every Envoy."""
        if self._mesh is not None:
            await self._mesh.stop()


def _now() -> datetime:
    return datetime.now(UTC)
