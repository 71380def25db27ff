"""Ask one Envoy through its admin socket: is it ready, what does it count, which files it took.

Who calls it: `envoy.py` (to confirm every file it writes) and `status.py`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fairway.errors import Unavailable
from fairway_runtime.agent.confirming import Statistics
from fairway_runtime.agent.exchange import exchange, parse_statistics

_PATIENCE = 5.0


class AdminUnreachable(Unavailable):
    """The Envoy behind a socket does not answer: it is not up yet, or not any more."""


class Admin:
    """The admin interface of one Envoy. Holds no connection between calls."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def is_ready(self) -> bool:
        """Whether its clusters are warm and its listeners open."""
        status, _ = await self._get("/ready")
        return status == 200

    async def statistics(self, pattern: str = "") -> Statistics:
        """All statistics whose names match a regular expression; histograms are left out."""
        query = f"?filter={quote(pattern)}" if pattern else ""
        _, body = await self._get(f"/stats{query}")
        return parse_statistics(body.decode())

    async def detailed(self, pattern: str) -> dict[str, Any]:
        """Counters, gauges and whole histograms whose names match a regular expression."""
        query = f"filter={quote(pattern)}&format=json&histogram_buckets=detailed"
        _, body = await self._get(f"/stats?{query}")
        found: dict[str, Any] = json.loads(body)
        return found

    async def clusters(self) -> list[dict[str, Any]]:
        """Every cluster with its hosts and their health, as Envoy's `/clusters` tells."""
        _, body = await self._get("/clusters?format=json")
        found: list[dict[str, Any]] = json.loads(body).get("cluster_statuses", [])
        return found

    async def certificates(self) -> list[dict[str, Any]]:
        """Every certificate in use, as Envoy's `/certs` tells."""
        _, body = await self._get("/certs")
        found: list[dict[str, Any]] = json.loads(body).get("certificates", [])
        return found

    async def server(self) -> dict[str, Any]:
        """Version, state and uptime, as Envoy's `/server_info` tells."""
        _, body = await self._get("/server_info")
        found: dict[str, Any] = json.loads(body)
        return found

    async def _get(self, target: str) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._exchange(target)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise AdminUnreachable(
                "envoy-unreachable",
                "an Envoy does not answer on its admin socket",
                where=str(self._socket),
                remedy="see its log; `fairway status` shows whether it runs",
            ) from error

    async def _exchange(self, target: str) -> tuple[int, bytes]:
        return await exchange(
            await asyncio.open_unix_connection(str(self._socket)), "admin", target
        )
