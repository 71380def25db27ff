"""How much of a public route a legacy upstream still answers, while a service takes it over. Pure.

Called by targets, for every division of traffic. Each version of a service says for each of its
routes who answers it; so a route goes to the legacy upstream for the requests of those versions
that leave it there, and is shifted by the very weights that shift the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.plan.release import Json

RouteKey = tuple[str | None, str]
"""Host (None: any) and path."""


@dataclass(frozen=True, slots=True)
class LegacyPart:
    """What is left of a route to the legacy upstream at `url`: percent of its requests."""

    url: str
    percent: int


def legacy_parts(
    declared: Mapping[str, Json], weights: Mapping[str, int]
) -> dict[RouteKey, LegacyPart]:
    """The routes of one service of which a legacy upstream gets something, or would.

    `declared` is the service as JSON by version, `weights` percent by version. At 0 % the upstream
    stays known, for users who are held to it and for the way back. A route that two versions leave
    to different upstreams goes to the one of the version with more requests.
    """
    parts: dict[RouteKey, LegacyPart] = {}
    for version in sorted(declared, key=lambda name: (-weights.get(name, 0), name)):
        for route in declared[version].get("public", ()):
            if route.get("legacy") is None:
                continue
            key = (route.get("host"), route["path"])
            known = parts.get(key, LegacyPart(route["legacy"], 0))
            parts[key] = LegacyPart(known.url, known.percent + weights.get(version, 0))
    return parts
