"""What differs between what runs here and what was settled. Pure: `LocalTarget` finds the facts.

process          fewer healthy replicas than there should be: killed, stopped, crashing
replicas         another number of them is wanted than was settled
version          something else runs, or a snapshot is not what it was
mesh-file        a file of an Envoy was edited or removed
policies         another set decides, or the bundle that services read was edited
unknown-process  someone else listens on a port of ours, or a process of ours that nobody knows
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairway.targets.contract import Drift
from fairway.targets.local.desired import Desired, Key, SettledVersion
from fairway.targets.local.naming import version_label


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    `healthy` counts replicas by version, `edited` names files by Envoy, `damaged` says what is
    wrong with the snapshots of versions, `strays` are pids, `foreign` says who listens on ports.
    """

    desired: Desired
    policy_set: int
    healthy: Mapping[Key, int]
    bundle_edited: bool = False
    edited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    damaged: Mapping[Key, str] = field(default_factory=dict)
    strays: tuple[int, ...] = ()
    foreign: Mapping[int, str] = field(default_factory=dict)


def drifts(found: Findings) -> tuple[Drift, ...]:
    """Every difference; none before anything was settled."""
    if found.desired.release == 0:
        return ()
    return (
        *_versions(found),
        *_snapshots(found),
        *_mesh_files(found),
        *_policies(found),
        *_processes(found),
    )


def _versions(found: Findings) -> Iterator[Drift]:
    for settled in found.desired.settled:
        yield from _version(settled, found)
    expected = {(settled.service, settled.version) for settled in found.desired.settled}
    for service, version in found.desired.versions:
        if (service, version.name) not in expected:
            subject = version_label(service, version.name)
            yield Drift("version", subject, "nothing", "runs", "it is stopped")


def _version(settled: SettledVersion, found: Findings) -> Iterator[Drift]:
    subject = version_label(settled.service, settled.version)
    version = found.desired.find(settled.service, settled.version)
    if version is None:
        yield Drift("version", subject, "runs", "nothing", "deploy the release again")
        return
    healthy = found.healthy.get((settled.service, settled.version), 0)
    if version.replicas != settled.replicas:
        expected, now = f"{settled.replicas} replicas", f"{version.replicas}"
        yield Drift("replicas", subject, expected, now, "they are scaled")
    elif healthy < version.replicas:
        expected, now = f"{version.replicas} healthy replicas", f"{healthy}"
        yield Drift("process", subject, expected, now, "what is missing is started")


def _snapshots(found: Findings) -> Iterator[Drift]:
    for (service, version), damage in sorted(found.damaged.items()):
        subject = version_label(service, version)
        yield Drift(
            "version", subject, "runs from its snapshot as it was made",
            f"changed there: {damage}", "deploy from the folder with the source",
        )  # fmt: skip


def _mesh_files(found: Findings) -> Iterator[Drift]:
    for envoy, files in sorted(found.edited.items()):
        for file in files:
            yield Drift(
                "mesh-file", f"{envoy}/{file}", "as Fairway wrote it", "edited or removed",
                "it is written again",
            )  # fmt: skip


def _policies(found: Findings) -> Iterator[Drift]:
    if found.policy_set != found.desired.policy_set:
        expected = f"policy set {found.desired.policy_set}"
        now = f"policy set {found.policy_set}"
        yield Drift("policies", "policies", expected, now, "the settled set is activated")
    if found.bundle_edited:
        yield Drift(
            "policies", "policy bundle", "as Fairway wrote it", "edited or removed",
            "it is written again",
        )  # fmt: skip


def _processes(found: Findings) -> Iterator[Drift]:
    for pid in found.strays:
        yield Drift(
            "unknown-process", f"process {pid}", "nothing", "comes from here, and nobody knows it",
            "it is ended",
        )  # fmt: skip
    for port, who in sorted(found.foreign.items()):
        yield Drift(
            "unknown-process", f"port {port}", "a process of this app", who, "stop that program"
        )
