"""Services: how each one is and what it uses; stop, start, restart, scale; its environment."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from fairway.console.live import live
from fairway.console.page import Entry, Page, PageHere
from fairway.console.pages.overview import WINDOW
from fairway.console.soft import Asking
from fairway.console.views.records import in_time
from fairway.console.views.services import (
    MOST_ERRORS,
    Measured,
    ServiceView,
    by_service,
    connected,
    error_counts,
    service_views,
    usages,
)
from fairway.console.views.topology import EdgeView, edge_views
from fairway.console.views.wording import part
from fairway.control.explored import ServiceVariables
from fairway.control.topology import Topology
from fairway.errors import NotFound
from fairway.model.names import did_you_mean
from fairway.telemetry.port import (
    LogQuery,
    LogRecord,
    MetricAnswer,
    MetricQuery,
    Traffic,
    TrafficQuery,
)

ENTRY = Entry("Services", "/services", "services", "s")
router = APIRouter()
_QUARTER = 900.0
"""Seconds in which error lines count for the badge."""
_STEP = 15.0
_LINES = 12
_CORES = "process.cpu.utilization"
_MEMORY = "process.memory.usage"
ServiceName = Annotated[str, Path(alias="name", max_length=100)]


@router.get("/services")
async def services(here: PageHere) -> HTMLResponse:
    """All of them."""
    views, troubles = await _views(here)
    return here.render("services.html", services=views, troubles=troubles)


@router.get("/live/services")
async def services_live(here: PageHere) -> StreamingResponse:
    """The same, as it changes."""

    async def fragments() -> Iterable[str]:
        views, troubles = await _views(here)
        return [here.html("_services.html", services=views, troubles=troubles)]

    return live(here, fragments)


@router.get("/services/{name}")
async def service(here: PageHere, name: ServiceName) -> HTMLResponse:
    """One of them."""
    return here.render("service.html", **await _one(here, name), environment=None)


@router.get("/live/services/{name}")
async def service_live(here: PageHere, name: ServiceName) -> StreamingResponse:
    """The same, as it changes."""

    async def fragments() -> Iterable[str]:
        found = await _one(here, name)
        return [here.html(each, **found) for each in ("_service_head.html", "_service_body.html")]

    return live(here, fragments)


@router.get("/services/{name}/environment")
async def environment(here: PageHere, name: ServiceName) -> HTMLResponse:
    """Its variables, secrets masked; a page of its own where there is no script."""
    found: ServiceVariables = await here.control.variables(name)
    if here.scripted:
        return here.fragment("_environment.html", environment=found)
    return here.render("service.html", **await _one(here, name), environment=found)


@router.post("/services/{name}/restart")
async def restart(here: PageHere, name: ServiceName) -> Response:
    """Replace every replica."""
    here.require("deployer")
    await here.control.restart(name)
    return here.done(f"{name} was restarted", _page_of(name))


@router.post("/services/{name}/stop")
async def stop(here: PageHere, name: ServiceName) -> Response:
    """End every replica."""
    here.require("deployer")
    await here.control.stop_service(name)
    return here.done(f"{name} is stopped", _page_of(name))


@router.post("/services/{name}/start")
async def start(here: PageHere, name: ServiceName) -> Response:
    """Run it again."""
    here.require("deployer")
    await here.control.start_service(name)
    return here.done(f"{name} runs", _page_of(name))


@router.post("/services/{name}/scale")
async def scale(
    here: PageHere, name: ServiceName, replicas: Annotated[int, Form(ge=0, le=1000)]
) -> Response:
    """Run this many replicas."""
    here.require("deployer")
    await here.control.scale(name, replicas)
    return here.done(f"{name} runs {replicas} replicas", _page_of(name))


def _page_of(name: str) -> str:
    return f"/services/{part(name)}"


async def _views(here: Page) -> tuple[tuple[ServiceView, ...], tuple[str, ...]]:
    async def ask() -> tuple[tuple[ServiceView, ...], tuple[str, ...]]:
        asking = Asking()
        system = await here.control.status()
        measured = await _measured(here, asking)
        return service_views(system, measured), tuple(asking.troubles)

    return await here.kept("services", 0.9, ask)


async def _measured(here: Page, asking: Asking) -> Measured:
    """What the telemetry knows of all services."""
    now = here.now

    async def flows() -> Measured:
        query = TrafficQuery(now - WINDOW, now, by=())
        return Measured(by_service(await here.telemetry.traffic(query)))

    async def errors() -> Measured:
        query = LogQuery(since=now - _QUARTER, level="error", limit=10 * MOST_ERRORS)
        return Measured(errors=error_counts((await here.telemetry.logs(query)).records))

    async def usage() -> Measured:
        return Measured(usage=usages(await _gauge(here, _CORES), await _gauge(here, _MEMORY)))

    # Independent answers, each kept for as long as it is worth: one that fails leaves the others.
    of_flows = await asking(here.kept("services/flows", 1, flows), Measured())
    of_errors = await asking(here.kept("services/errors", 3, errors), Measured())
    of_usage = await asking(here.kept("services/usage", 5, usage), Measured())
    return replace(of_flows, errors=of_errors.errors, usage=of_usage.usage)


async def _gauge(here: Page, name: str) -> MetricAnswer | None:
    """A figure of the services' own processes, without their sidecars; None before the first."""
    query = MetricQuery(
        name, here.now - _QUARTER, here.now, _STEP,
        attributes={"fairway.process": "service"}, by=("service", "instance"),
    )  # fmt: skip
    try:
        return await here.telemetry.metric(query)
    except NotFound:
        return None


async def _one(here: Page, name: str) -> dict[str, Any]:
    """What the page of one service shows."""
    views, troubles = await _views(here)
    found = next((view for view in views if view.name == name), None)
    if found is None:
        known = [view.name for view in views]
        raise NotFound(
            "no-such-service",
            f"there is no service '{name}'",
            remedy=did_you_mean(name, known, "see all services"),
        )
    asking = Asking()
    edges = await asking(_edges(here), ())
    lines = await asking(_lines(here, name), ())
    arriving, leaving = connected(edges, name)
    return {
        "service": found, "arriving": arriving, "leaving": leaving, "lines": lines,
        "troubles": troubles,
    }  # fmt: skip


def _edges(here: Page) -> Awaitable[tuple[EdgeView, ...]]:
    async def ask() -> tuple[EdgeView, ...]:
        asking = Asking()
        topology = await asking(here.control.topology(), Topology())
        query = TrafficQuery(here.now - WINDOW, here.now, by=("caller",))

        async def flows() -> tuple[Traffic, ...]:
            return await here.telemetry.traffic(query)

        return edge_views(topology, await asking(flows(), ()))

    return here.kept("services/edges", 1, ask)


async def _lines(here: Page, name: str) -> tuple[LogRecord, ...]:
    query = LogQuery(since=here.now - _QUARTER, services=(name,), level="info", limit=_LINES)
    return in_time((await here.telemetry.logs(query)).records)
