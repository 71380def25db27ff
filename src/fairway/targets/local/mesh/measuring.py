"""Measure what each version of a service answered, as running totals: read from its Envoy.

Who calls it: the local target's `measure`, twice a second while a deployment is analysed. Any
program can be measured, because nothing is asked of it:

    requests, errors   Envoy's counters of the version's cluster; its own health checks and its
                       denials are not among them
    no answer          lines of the access log with status 0: no counter tells them from streams
                       that ended as they should
    latency            Envoy's histogram; where half of the answers take less than 5 ms, its whole
                       milliseconds are too coarse, and the microseconds of the access log are taken
    user metrics       counters that the program itself exports, from each of its replicas

It guarantees totals that never fall. An Envoy or a replica that does not answer adds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fairway.targets.contract import Measured, Traffic
from fairway.targets.local.log_files import cut_away, size
from fairway.targets.local.mesh.admin import AdminUnreachable
from fairway.targets.local.mesh.envoy import Envoy
from fairway.targets.local.mesh.envoys import Mesh
from fairway.targets.local.mesh.sources import (
    Source,
    counter_sum,
    counters,
    logged,
    statistics_filter,
)
from fairway.targets.local.mesh.totals import (
    Look,
    Scraped,
    ServiceTotals,
    Totals,
    advanced,
    is_fine,
)
from fairway.targets.mesh.build import RouteKey
from fairway.targets.mesh.render.document import (
    LOOPBACK,
    legacy_cluster,
    replicas_cluster,
    shifted_cluster,
)
from fairway.targets.mesh.view import GATEWAY, GatewayRoute, Version
from fairway_runtime.agent.exchange import exchange

LEGACY, SERVICE = "legacy", "service"
"""The two that share a route on its way from a legacy upstream to a service."""

_SCRAPE_PATIENCE = 1.0
_MOST_AT_ONCE = 8 * 2**20
"""Bytes of a log in one look; what is beyond waits for the next."""


@dataclass(frozen=True, slots=True)
class MetricSource:
    """A ratio of two counters that a program exports in Prometheus' text format.

    `hits` and `total` are names of counters, perhaps with labels: `orders_total{status="bad"}`.
    """

    name: str
    hits: str
    total: str
    path: str = "/metrics"


class Meter:
    """Keeps the running totals of a mesh. `totals` may be kept, and given to a successor."""

    def __init__(self, mesh: Mesh, totals: Totals | None = None) -> None:
        self._mesh = mesh
        self._turn = asyncio.Lock()
        self.totals = totals or Totals()

    async def measure(
        self,
        services: Sequence[str],
        metrics: Mapping[str, Sequence[MetricSource]] | None = None,
    ) -> Measured:
        """The running totals of these services' versions; `metrics` are wanted of which service."""
        wanted = metrics or {}
        async with self._turn:
            found = await asyncio.gather(
                *(self._service(name, wanted.get(name, ())) for name in services)
            )
        return dict(zip(services, (totals.traffic for totals in found), strict=True))

    async def measure_routes(
        self, routes: Sequence[GatewayRoute]
    ) -> dict[RouteKey, dict[str, Traffic]]:
        """The running totals of public routes on their way from a legacy upstream to a service.

        By route, then by `LEGACY` and `SERVICE`, both as the gateway sees them.
        """
        async with self._turn:
            found = await asyncio.gather(*(self._route(route) for route in routes))
        keys = [(route.host, route.path) for route in routes]
        return dict(zip(keys, (totals.traffic for totals in found), strict=True))

    async def _service(self, name: str, metrics: Sequence[MetricSource]) -> ServiceTotals:
        sidecar = self._mesh.sidecar(name)
        if sidecar is None or sidecar.inbound_port is None or not sidecar.versions:
            return self.totals.of(name)
        clusters = {version.name: replicas_cluster(version.name) for version in sidecar.versions}
        mirrored = sidecar.trial is not None and sidecar.trial.mirror > 0
        scraped = await _scraped(sidecar.versions, metrics)
        return await self._looked(name, name, Source("inbound", clusters), mirrored, scraped)

    async def _route(self, route: GatewayRoute) -> ServiceTotals:
        name = f"{GATEWAY} {route.host or ''}{route.path}"
        clusters = {
            LEGACY: legacy_cluster(route.key),
            SERVICE: shifted_cluster(route.service, route.key),
        }
        return await self._looked(name, GATEWAY, Source("gateway", clusters))

    async def _looked(
        self,
        name: str,
        envoy: str,
        source: Source,
        mirrored: bool = False,
        scraped: Mapping[str, Scraped] | None = None,
    ) -> ServiceTotals:
        """The totals under a name after one more look at an Envoy."""
        before = self.totals.of(name)
        asked = self._mesh.find(envoy)
        if asked is None:
            return before
        try:
            look = await _look(asked, source, before, mirrored)
        except AdminUnreachable:
            return before
        after = advanced(before, replace(look, scraped=scraped or {}))
        self.totals = self.totals.with_service(name, after)
        return after


async def _look(envoy: Envoy, source: Source, before: ServiceTotals, mirrored: bool) -> Look:
    """One look; where requests are mirrored, the log does not tell of all."""
    counted = counters(await envoy.admin.detailed(statistics_filter(source)), source)
    fine = False if mirrored else is_fine(version.latency for version in counted.values())
    lines, position = _read_on(envoy.place.paths.access_log, before.position)
    found = logged(lines, source, latencies=fine is not False)
    if fine is None:  # the log comes first: a source that changes at once would lose all these
        fine = is_fine(version.latency for version in found.values())
    return Look(str(envoy.pid), counted, found, position=position, fine=fine)


def _read_on(log: Path, position: int | None) -> tuple[bytes, int]:
    """The whole lines after a position, and the position after these.

    The first look starts at the end: what was answered before is nobody's question.
    """
    end = size(log)
    if position is None:
        return b"", end
    missed = cut_away(log, position) if position > end else b""
    start = 0 if position > end else position
    if start == end:
        return missed, end
    with log.open("rb") as file:
        file.seek(start)
        content = file.read(_MOST_AT_ONCE)
    whole = content.rpartition(b"\n")[0]
    return missed + whole, start + (len(whole) + 1 if whole else 0)


async def _scraped(
    versions: Sequence[Version], metrics: Sequence[MetricSource]
) -> Mapping[str, Scraped]:
    """Every metric's two counters, from each replica that answers."""
    replicas = [(version.name, port) for version in versions for port in version.endpoints]
    paths = {metric.path for metric in metrics}
    wanted = [(version, port, path) for version, port in replicas for path in paths]
    texts = await asyncio.gather(*(_text(port, path) for _, port, path in wanted))
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for (version, port, path), text in zip(wanted, texts, strict=True):
        if text is None:
            continue
        found.setdefault(version, {}).update(
            {
                f"{metric.name}@{port}": (
                    counter_sum(text, metric.hits),
                    counter_sum(text, metric.total),
                )
                for metric in metrics
                if metric.path == path
            }
        )
    return found


async def _text(port: int, path: str) -> str | None:
    """What a replica answers with 200; None when it does not."""
    try:
        async with asyncio.timeout(_SCRAPE_PATIENCE):
            streams = await asyncio.open_connection(LOOPBACK, port)
            status, body = await exchange(streams, LOOPBACK, path)
    except (OSError, EOFError, ValueError, TimeoutError):
        return None
    return body.decode(errors="replace") if status == 200 else None
