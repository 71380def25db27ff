"""How a replica is called, in logs, events, port books and file names. Pure.

`orbit.0` is a replica of the version that runs from the working tree, `orbit.r8.0` one of release
8: beside each other their names must differ. Everyone who needs such a name asks here.
"""

from __future__ import annotations

from fairway.plan.observed import WORKING_TREE


def replica_label(service: str, version: str, replica: int) -> str:
    """The name of a replica; log files are called so, with `.log` behind."""
    return f"{version_label(service, version)}.{replica}"


def version_label(service: str, version: str) -> str:
    """The name of one version of a service; what begins so, with a dot behind, is part of it."""
    return service if version == WORKING_TREE else f"{service}.{version}"


def service_of(label: str) -> str:
    """The service that a label belongs to."""
    return label.partition(".")[0]


def version_of(label: str) -> str:
    """The version that a replica's label names; of `orbit.0` that of the working tree."""
    _, *version, replica = label.split(".")
    return ".".join(version) if version and replica.isdecimal() else WORKING_TREE
