"""In which order the files of one Envoy are replaced, so that no request ever meets a gap. Pure.

Who calls it: the agent, and Fairway's mesh on one machine. Each writes a stage, and waits until
Envoy has taken all of it:

    1. make room     new clusters, endpoints and certificates beside the old ones
    2. switch        routes (and listeners, only if ports changed)
    3. clean up      what nothing names any more goes

A stage without changes is left out; equal files are never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairway_runtime.agent.files import BOOTSTRAP, CDS, LDS, Json, response

Files = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Stage:
    """Files to replace (in this order), and files to remove once Envoy has taken these."""

    writes: Files
    removes: tuple[str, ...] = ()


def stages(old: Files, new: Files) -> tuple[Stage, ...]:
    """The way from the files that an Envoy runs on to the new ones."""
    secrets = {name: file for name, file in new.items() if _is(name, "sds.")}
    joint = {**secrets, **_joint_endpoints(old, new), CDS: _joint_clusters(old, new)}
    room = _changed(old, joint)
    after_room = {**old, **room}
    switch = _changed(after_room, {n: f for n, f in new.items() if _is(n, "rds.") or n == LDS})
    after_switch = {**after_room, **switch}
    final = _changed(after_switch, {n: new[n] for n in _clusters_first(new)})
    gone = tuple(sorted(old.keys() - new.keys()))
    found = (Stage(room), Stage(_routes_first(switch)), Stage(final, gone))
    return tuple(stage for stage in found if stage.writes or stage.removes)


def _is(name: str, kind: str) -> bool:
    return name.startswith(kind)


def _clusters_first(new: Files) -> list[str]:
    """Clusters leave before their endpoints: else a cluster would stand empty for a moment."""
    endpoints = [name for name in new if _is(name, "eds.")]
    return [CDS, *endpoints] if CDS in new else endpoints


def _routes_first(switch: dict[str, Json]) -> dict[str, Json]:
    """A new listener waits for its routes, so these are there before it."""
    return dict(sorted(switch.items(), key=lambda item: item[0] == LDS))


def _changed(before: Files, after: Files) -> dict[str, Json]:
    return {n: file for n, file in after.items() if before.get(n) != file and n != BOOTSTRAP}


def _joint_clusters(old: Files, new: Files) -> Json:
    """The new clusters, and those old ones that routes may still name."""
    fresh = new[CDS]["resources"]
    names = {cluster["name"] for cluster in fresh}
    kept = [c for c in old.get(CDS, response([]))["resources"] if c["name"] not in names]
    return response([*fresh, *kept]) if kept else new[CDS]


def _joint_endpoints(old: Files, new: Files) -> dict[str, Json]:
    """Old and new endpoints together where some come and others go.

    A replica counts as healthy only after its first check: without the overlap a service whose
    only replica is replaced would have none for a moment.
    """
    joint = {}
    for name in (name for name in new if _is(name, "eds.")):
        before, after = endpoints(old.get(name)), endpoints(new[name])
        if before - after and after - before:
            joint[name] = _with_hosts(new[name], [*_hosts(new[name]), *_hosts(old[name])])
        elif name not in old or after - before:
            joint[name] = new[name]
    return joint


def endpoints(file: Json | None) -> frozenset[int]:
    """The ports in an EDS file; none for a file that is not there."""
    if file is None:
        return frozenset()
    return frozenset(
        host["endpoint"]["address"]["socket_address"]["port_value"] for host in _hosts(file)
    )


def _hosts(file: Json) -> list[Json]:
    groups = file["resources"][0]["endpoints"]
    return [host for group in groups for host in group["lb_endpoints"]]


def _with_hosts(file: Json, hosts: list[Json]) -> Json:
    """Each once, in the order of their ports."""
    each = {host["endpoint"]["address"]["socket_address"]["port_value"]: host for host in hosts}
    ordered = [each[port] for port in sorted(each)]
    return response([{**file["resources"][0], "endpoints": [{"lb_endpoints": ordered}]}])
