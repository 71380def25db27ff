"""Maintenance windows and freezes: times that exist."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from functools import cache

from fairway.model.check.subject import Finding, Subject
from fairway.model.environments import Environment
from fairway.model.names import did_you_mean
from fairway.model.places import Path


def check_gates(subject: Subject) -> Iterator[Finding]:
    """Zones that exist, freezes that end after they began, no day and no role twice."""
    if subject.environment is not None:
        return
    for name, environment in subject.app.environments.items():
        path: Path = ("environments", name)
        yield from _zones(environment, path)
        for index, freeze in enumerate(environment.freezes):
            if freeze.start > freeze.end:
                yield Finding(
                    (*path, "freezes", index, "to"),
                    "freeze-order",
                    f"the freeze ends on {freeze.end}, before it begins",
                    "name the first day under from and the last under to",
                )


def _zones(environment: Environment, path: Path) -> Iterator[Finding]:
    zones = {
        "windows": [window.zone for window in environment.windows],
        "freezes": [freeze.zone for freeze in environment.freezes],
    }
    for key, named in zones.items():
        for index, zone in enumerate(named):
            if zone != "UTC" and _zone_names() and zone not in _zone_names():
                yield Finding(
                    (*path, key, index, "zone"),
                    "unknown-zone",
                    f"there is no time zone '{zone}'",
                    did_you_mean(zone, _zone_names(), "write one of the IANA names"),
                )


@cache
def _zone_names() -> frozenset[str]:
    """Every IANA name; empty on a machine without them, where nothing can be said about any."""
    return frozenset(zoneinfo.available_timezones())
