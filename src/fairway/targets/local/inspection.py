"""Looks at what really runs here, for drift, and puts right what differs.

`LocalTarget` owns one. The facts are collected here, `drift.py` says what they mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from fairway.errors import Conflict
from fairway.targets.contract import Drift
from fairway.targets.local.desired import Desired, Key, SettledVersion
from fairway.targets.local.drift import Findings
from fairway.targets.local.listeners import foreign_listeners
from fairway.targets.local.naming import version_label
from fairway.targets.local.policies import Policies
from fairway.targets.local.system import LocalSystem
from fairway.targets.mesh.view import GATEWAY


class Inspector:
    """Compares a running system with what was settled."""

    def __init__(self, system: LocalSystem, policies: Policies) -> None:
        self._system = system
        self._policies = policies

    async def findings(self) -> Findings:
        """Everything that `drifts` compares, as it is now."""
        system, desired = self._system, self._system.desired
        damaged, foreign = await asyncio.gather(
            asyncio.to_thread(self._damaged, desired), asyncio.to_thread(self._foreign)
        )
        return Findings(
            desired=desired,
            policy_set=self._policies.active(),
            healthy={
                (service, v.name): system.healthy(service, v.name)
                for service, v in desired.versions
            },
            bundle_edited=system.bundle_edited,
            edited=system.mesh.edited(),
            damaged=damaged,
            strays=tuple(seen.pid for seen in system.processes.strays()),
            foreign=foreign,
        )

    async def repair(self, drift: Drift) -> None:
        """End one difference; Conflict where only people can."""
        match drift.kind:
            case "policies":
                await self._repair_policies()
            case "mesh-file":
                await self._system.mesh.restore()
            case "process" | "replicas":
                await self._repair_replicas(drift)
            case "unknown-process":
                await self._end_strays(drift)
            case "version" | "weights" | "resource":
                raise _not_repairable(drift)
            case _:
                assert_never(drift.kind)

    def superfluous(self, drifts: Sequence[Drift]) -> tuple[Key, ...]:
        """The versions among these differences that are only to be stopped."""
        desired = self._system.desired
        settled = {(each.service, each.version) for each in desired.settled}
        subjects = {drift.subject for drift in drifts if drift.kind == "version"}
        keys = {(service, version.name) for service, version in desired.versions} - settled
        return tuple(key for key in sorted(keys) if version_label(*key) in subjects)

    async def _repair_policies(self) -> None:
        wanted = self._system.desired.policy_set
        if self._policies.active() != wanted:
            await self._policies.activate(wanted)
        await self._system.follow()

    async def _repair_replicas(self, drift: Drift) -> None:
        for settled in self._system.desired.settled:
            if version_label(settled.service, settled.version) == drift.subject:
                await self._restore(settled)

    async def _restore(self, settled: SettledVersion) -> None:
        desired = self._system.desired
        version = desired.find(settled.service, settled.version)
        if version is None:
            return
        fixed = replace(version, replicas=settled.replicas)
        await self._system.want(desired.with_version(settled.service, fixed))
        await self._system.revive(settled.service, settled.version)

    async def _end_strays(self, drift: Drift) -> None:
        strays = [s for s in self._system.processes.strays() if drift.subject == f"process {s.pid}"]
        if not strays and drift.subject.startswith("port "):
            raise _not_repairable(drift)
        await self._system.processes.clear(strays)

    def _damaged(self, desired: Desired) -> dict[Key, str]:
        snapshots = self._system.snapshots
        found = {
            (service, version.name): snapshots.damage(version.artifact)
            for service, version in desired.versions
            if version.artifact
        }
        return {key: damage for key, damage in found.items() if damage}

    def _foreign(self) -> dict[int, str]:
        return foreign_listeners(self._ports(), self._system.processes.ours())

    def _ports(self) -> frozenset[int]:
        """Every port on which something of this app should listen, and nobody else."""
        plan, supervisor = self._system.ports, self._system.supervisor
        found = supervisor.status() if supervisor is not None else ()
        mesh = (plan.inbound, plan.egress, plan.egress_to, plan.egress_of, plan.egress_to_of)
        replicas = {replica.port for replica in found if replica.port is not None}
        declared = {s.port for s in self._system.app.services.values() if s.port is not None}
        gateway = {plan.gateway} if GATEWAY in self._system.meshed else set()
        listeners = {port for ports in mesh for port in ports.values()}
        return frozenset(listeners | replicas | declared | gateway)


def _not_repairable(drift: Drift) -> Conflict:
    return Conflict(
        "not-repairable",
        f"{drift.subject} should be: {drift.expected}; it is: {drift.found}",
        where=drift.subject,
        remedy=drift.repair,
    )
