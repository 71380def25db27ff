"""The running totals of what every version answered, kept across restarts of the control plane.

`LocalTarget.measure` asks; `mesh/measuring.py` does the looking. What is kept is a file of counters
that may be lost without harm: then they begin at nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairway.plan.latency import added
from fairway.targets.contract import Measured, Traffic
from fairway.targets.local.layout import write_private
from fairway.targets.local.mesh.measuring import LEGACY, Meter, MetricSource
from fairway.targets.local.mesh.totals import Totals
from fairway.targets.local.shares import leavers
from fairway.targets.local.system import LocalSystem
from fairway.targets.mesh.view import GatewayRoute


class Measurements:
    """What one system's services answered."""

    def __init__(self, system: LocalSystem) -> None:
        self._system = system
        self._meter: Meter | None = None

    async def of(self, services: Sequence[str]) -> Measured:
        """The totals of these services' versions, as of now."""
        if self._meter is None:
            self._meter = Meter(self._system.mesh, self._kept())
        measured = {
            service: await self._with_legacy(self._meter, service, found)
            for service, found in (await self._meter.measure(services, self._metrics())).items()
        }
        content = json.dumps(self._meter.totals.to_json())
        write_private(self._system.state.measured, content.encode())
        return measured

    async def _with_legacy(
        self, meter: Meter, service: str, found: Mapping[str, Traffic]
    ) -> Mapping[str, Traffic]:
        """What a legacy upstream answers counts for the version that leaves it there."""
        leaving = leavers(self._system.desired, service)
        routes = [GatewayRoute(*key, service) for key in leaving]
        seen = await meter.measure_routes(routes)
        counted = dict(found)
        for route in routes:
            key = (route.host, route.path)
            version = leaving[key]
            answers = seen[key].get(LEGACY, Traffic())
            counted[version] = _together(counted.get(version, Traffic()), answers)
        return counted

    def _metrics(self) -> dict[str, list[MetricSource]]:
        """The metrics of people's own that the environment's analysis compares, by service."""
        declared = self._system.app.environments[self._system.state.environment]
        wanted: dict[str, list[MetricSource]] = {}
        for metric in declared.analysis.metrics:
            source = MetricSource(metric.name, metric.hits, metric.total)
            wanted.setdefault(metric.service, []).append(source)
        return wanted

    def _kept(self) -> Totals:
        try:
            return Totals.from_json(json.loads(self._system.state.measured.read_bytes()))
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return Totals()


def _together(own: Traffic, outside: Traffic) -> Traffic:
    """A version's answers and those of what stands in its place; metrics are its own."""
    return replace(
        own,
        requests=own.requests + outside.requests,
        errors=own.errors + outside.errors,
        latency=added(own.latency, outside.latency),
    )
