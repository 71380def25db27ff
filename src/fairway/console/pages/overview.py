"""The first page: what runs, who calls whom, what is denied, slow, broken or being shipped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from fairway.console.live import live
from fairway.console.page import Entry, Page, PageHere
from fairway.console.soft import Asking
from fairway.console.views.records import in_time
from fairway.console.views.refusals import refusals
from fairway.console.views.topology import (
    EdgeView,
    Picture,
    Sum,
    edge_views,
    pictures,
    summed,
    with_strangers,
)
from fairway.control.port import SystemStatus
from fairway.control.recorded import AuditEntry, AuditQuery
from fairway.control.topology import Topology
from fairway.delivery.deployment import Deployment
from fairway.telemetry.port import LogQuery, LogRecord, SloStatus, Traffic, TrafficQuery

ENTRY = Entry("Overview", "/", "overview", "o")
router = APIRouter()
WINDOW = 60.0
"""Seconds over which traffic is summed."""
_HOUR = 3600.0
_FEW = 6
_MOST = 10_000
"""Denials that are counted at most."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows; `troubles` says what could not be asked."""

    system: SystemStatus
    window: float
    edges: tuple[EdgeView, ...]
    pictures: tuple[Picture, ...]
    sum: Sum | None
    deployments: tuple[Deployment, ...]
    slos: tuple[SloStatus, ...]
    denials: tuple[AuditEntry, ...]
    errors: tuple[LogRecord, ...]
    troubles: tuple[str, ...]

    @property
    def healthy(self) -> int:
        """How many services are as they should be."""
        return sum(1 for each in self.system.services if each.state in ("healthy", "done"))


@router.get("/")
async def overview(here: PageHere) -> Response:
    """The page; where no system runs, what is deployed."""
    if not here.has_system:
        return RedirectResponse("/deployments", 303)
    return here.render("overview.html", view=await _shared(here))


@router.get("/live/overview")
async def overview_live(here: PageHere) -> StreamingResponse:
    """The same, as it changes."""

    async def fragments() -> Iterable[str]:
        view = await _shared(here)
        names = ("_overview_head.html", "_topology.html", "_overview_lists.html")
        return [here.html(name, view=view) for name in names]

    return live(here, fragments)


async def _shared(here: Page) -> Overview:
    return await here.kept("overview", 0.9, lambda: _gathered(here))


async def _gathered(here: Page) -> Overview:
    ask = Asking()
    system, topology = await asyncio.gather(
        here.control.status(),
        ask(here.kept("topology", 2, here.control.topology), Topology()),
    )
    window = max(1.0, min(WINDOW, here.now - system.started_at))
    flows, split, refused, deployments, slos, errors = await asyncio.gather(
        ask(_flows(here, window, versions=False), None),
        ask(_flows(here, window, versions=True), None),
        ask(_refused(here, window), ()),
        ask(_deployments(here), ()),
        ask(here.kept("slos", 5, lambda: _slos(here)), ()),
        ask(here.kept("errors", 2, lambda: _errors(here)), ()),
    )
    topology = with_strangers(topology, flows or ())
    edges = edge_views(topology, flows or (), split or (), refusals(refused))
    total = None if flows is None else summed(edges, topology.nodes)
    denials = await ask(_denials(here, total), ())
    return Overview(
        system, window, edges, pictures(topology, edges), total,
        deployments, slos, denials, errors, tuple(ask.troubles),
    )  # fmt: skip


async def _flows(here: Page, window: float, *, versions: bool) -> tuple[Traffic, ...] | None:
    now = here.now
    by = ("caller", "version") if versions else ("caller",)
    return await here.telemetry.traffic(TrafficQuery(now - window, now, by=by))  # type: ignore[arg-type]


async def _deployments(here: Page) -> tuple[Deployment, ...]:
    if here.environment is None:
        return ()
    page = await (await here.delivery()).deployments(limit=_FEW)
    return tuple(one for one in page.deployments if not one.over)


async def _slos(here: Page) -> tuple[SloStatus, ...]:
    return await here.telemetry.slos()


async def _errors(here: Page) -> tuple[LogRecord, ...]:
    query = LogQuery(since=here.now - _HOUR, level="error", limit=_FEW)
    return in_time((await here.telemetry.logs(query)).records)[::-1]


async def _refused(here: Page, window: float) -> tuple[AuditEntry, ...]:
    query = AuditQuery(verdict="deny", since=here.now - window, limit=_MOST)

    async def ask() -> tuple[AuditEntry, ...]:
        return await (await here.records()).audit(query)

    return await here.kept("refused", 2, ask)


async def _denials(here: Page, total: Sum | None) -> tuple[AuditEntry, ...]:
    """Asked when there are new ones: the audit log is read as a whole."""
    query = AuditQuery(verdict="deny", since=here.now - _HOUR, limit=_FEW)

    async def ask() -> tuple[AuditEntry, ...]:
        return (await (await here.records()).audit(query))[::-1]

    counted = total.denied if total else "unknown"
    return await here.kept(f"denials/{counted}", 10, ask)
