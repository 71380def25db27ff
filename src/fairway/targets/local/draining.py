"""Waits until a version has answered every request that it was given.

Used by `LocalTarget.retire` after no new request can reach the version. Its sidecar knows: Envoy
counts what is under way to each cluster.
"""

from __future__ import annotations

import asyncio
import re
import time

from fairway.targets.local.mesh.admin import Admin, AdminUnreachable
from fairway.targets.mesh.render.document import (
    replicas_cluster,
)

_LOOKS = 0.05
_SETTLE = 0.25
"""For how long nothing must be under way: a request may just be between two counters."""


async def until_idle(admin: Admin, version: str, patience: float) -> bool:
    """Return when nothing is under way to the replicas of a version; False after `patience` s."""
    name = f"cluster.{replicas_cluster(version)}.upstream_rq_active"
    began = quiet_since = time.monotonic()
    while time.monotonic() - began < patience:
        try:
            found = await admin.statistics(f"^{re.escape(name)}$")
        except AdminUnreachable:  # it died, and every request through it with it
            return True
        if found.get(name):
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= _SETTLE:
            return True
        await asyncio.sleep(_LOOKS)
    return False
