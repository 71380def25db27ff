"""Metrics: requests by service and edge, what processes use, and everything that services measure.

Tables and objectives are rendered here and pushed; charts are fetched as JSON (`drawing`) and drawn
by `static/charts.js`. Every choice is a parameter of the address, also the runs that are compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from fairway.console.live import live
from fairway.console.page import Entry, Page, PageHere
from fairway.console.pages import drawing
from fairway.console.pages.listing import (
    address_of,
    in_address_bar,
    run_choices,
    service_choices,
)
from fairway.console.views import quantities
from fairway.console.views.charts import Axis
from fairway.console.views.filters import chips, number_of
from fairway.console.views.links import Address
from fairway.console.views.red import traffic_query
from fairway.console.views.timerange import DEFAULT, PRESETS, TimeRange, time_range
from fairway.telemetry.port import MetricSummary, Run, Traffic, TrafficQuery

ENTRY = Entry("Metrics", "/metrics", "metrics", "m")
PATH = "/metrics"
LIVE_SECONDS = 5.0
_SPLITS = (
    ("", "by itself"),
    ("service", "services"),
    ("caller", "callers"),
    ("version", "versions"),
    ("intent", "intents"),
)
_PERCENTILES = ("p50", "p95", "p99")
_STATISTICS = (("p50", "p50"), ("p95", "p95"), ("p99", "p99"), ("value", "rate"))
_PROCESS = "process."
_UNINTERESTING = frozenset({"process.uptime", "process.cpu.time"})
_CHIPS = ("caller", "intent", "version", "attr", "until")
_OWN_LABELS = ("service", "version", "instance")

router = APIRouter()
router.include_router(drawing.router)


@dataclass(frozen=True, slots=True)
class Place:
    """A chart on the page: what it shows, and where its numbers are fetched."""

    title: str
    hint: str
    href: str
    wide: bool = False


@router.get(PATH)
async def requests(here: PageHere) -> Response:
    """Rate, errors and duration of requests, and how the objectives stand."""
    address = address_of(here, PATH)
    shown = time_range(address, here.now)
    frame, numbers = await asyncio.gather(
        _frame(here, address, shown), _numbers(here, address, shown)
    )
    answer = here.render(
        "metrics_requests.html",
        **frame,
        **numbers,
        places=_request_places(address),
        percentiles=[(each, each) for each in _PERCENTILES],
        percentile=_percentile(address),
        splits=_SPLITS,
        live=address.at(f"{PATH}/live") if shown.moving else "",
    )
    return in_address_bar(here, address, answer)


@router.get(f"{PATH}/live")
async def requests_live(here: PageHere) -> StreamingResponse:
    """Tables and objectives as they change."""
    address = address_of(here, PATH)

    async def fragments() -> Iterable[str]:
        numbers = await _numbers(here, address, time_range(address, here.now))
        context = {"q": quantities, "address": address, **numbers}
        return [here.html(name, **context) for name in ("_metrics_slos.html", "_metrics_red.html")]

    return live(here, fragments, LIVE_SECONDS)


@router.get(f"{PATH}/processes")
async def processes(here: PageHere) -> Response:
    """What every process uses: processor, memory, threads, files."""
    address = address_of(here, f"{PATH}/processes")
    known = await here.telemetry.metrics()
    asked = address.at(f"{PATH}/series.json").having(by="instance")
    places = [
        Place(each.description or each.name, each.name, str(asked.having(name=each.name)))
        for each in known
        if each.name.startswith(_PROCESS) and each.name not in _UNINTERESTING
    ]
    frame = await _frame(here, address, time_range(address, here.now))
    answer = here.render("metrics_processes.html", **frame, places=places)
    return in_address_bar(here, address, answer)


@router.get(f"{PATH}/custom")
async def custom(here: PageHere) -> Response:
    """Any metric that a service sends, kept apart by any of its attributes."""
    address = address_of(here, f"{PATH}/custom")
    known = await here.telemetry.metrics()
    chosen = next((each for each in known if each.name == address.get("name")), None)
    frame = await _frame(here, address, time_range(address, here.now))
    answer = here.render(
        "metrics_custom.html",
        **frame,
        known=known,
        names=[("", "choose one"), *((each.name, each.name) for each in known)],
        metric=chosen,
        labels=_labels(chosen),
        statistic=_statistic(address, chosen),
        statistics=_STATISTICS,
        places=_metric_places(address, chosen) if chosen else (),
    )
    return in_address_bar(here, address, answer)


@router.get(f"{PATH}/happened")
async def happened(here: PageHere) -> HTMLResponse:
    """What happened in the time that is shown, in words: the marks of the charts as a list."""
    shown = time_range(address_of(here, PATH), here.now)
    marks = [each for each in await drawing.marks_of(here) if shown.since <= each.at <= shown.until]
    newest_first = sorted(marks, key=lambda each: -each.at)
    return here.fragment("_metrics_happened.html", marks=newest_first)


async def _frame(here: Page, address: Address, shown: TimeRange) -> dict[str, Any]:
    """What all three pages of metrics have."""
    kept = address.only("since", "until", "service")
    runs = await run_choices(here)
    preset = address.get("since") or DEFAULT
    presets = [(name, f"last {name}") for name in PRESETS]
    if preset not in PRESETS:
        presets.append((preset, "as chosen"))
    return {
        "q": quantities,
        "address": address,
        "shown": shown,
        "chips": chips(address, *_CHIPS),
        "services": await service_choices(here, address.get("service")),
        "presets": presets,
        "preset": preset,
        "earlier": [("", "nothing"), *runs[1:]],
        "tabs": [
            (kept.at(path), words, address.path == path)
            for path, words in (
                (PATH, "Requests"), (f"{PATH}/processes", "Processes"),
                (f"{PATH}/custom", "Any metric"),
            )
        ],
        "happened": address.at(f"{PATH}/happened"),
    }  # fmt: skip


async def _numbers(here: Page, address: Address, shown: TimeRange) -> dict[str, Any]:
    """Requests by service and by edge over the whole time, and the objectives."""
    axis = Axis(shown.since, shown.until, shown.step)
    run = number_of(address, "run")
    services, edges, objectives = await asyncio.gather(
        here.telemetry.traffic(traffic_query(address, axis, (), run, stepped=False)),
        here.telemetry.traffic(traffic_query(address, axis, ("caller",), run, stepped=False)),
        here.telemetry.slos(),
    )
    against = await _against(here, address, shown)
    return {
        "by_service": services, "by_edge": edges, "objectives": objectives, "against": against
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Against:
    """Two runs in figures, each over the same time from its start, by service."""

    present: Run
    earlier: Run
    seconds: float
    rows: Sequence[tuple[str, Traffic | None, Traffic | None]]


async def _against(here: Page, address: Address, shown: TimeRange) -> Against | None:
    earlier = number_of(address, "compare")
    if earlier is None:
        return None
    runs = await drawing.two_runs(here, address, earlier)
    axes = [drawing.beginning_of(run, shown, here.now) for run in runs]
    seconds = min(axis.until - axis.since for axis in axes)
    found = await asyncio.gather(
        *(
            here.telemetry.traffic(_total(address, replace(axis, until=axis.since + seconds), run))
            for axis, run in zip(axes, runs, strict=True)
        )
    )
    now, then = ({row.service: row for row in rows} for rows in found)
    rows = [(name, now.get(name), then.get(name)) for name in sorted({*now, *then})]
    return Against(*runs, seconds, rows)


def _total(address: Address, axis: Axis, run: Run) -> TrafficQuery:
    return traffic_query(address, axis, (), run.number, stepped=False)


def _request_places(address: Address) -> Sequence[Place]:
    percentile = _percentile(address)
    measures = (
        ("rate", "Requests", "per second"),
        ("errors", "Errors", "share answered with 5xx, or not at all"),
        (percentile, "Duration", percentile),
        ("denied", "Denied", "share refused by mesh or policy"),
    )
    at = address.at(f"{PATH}/requests.json")
    return [
        Place(title, hint, str(at.having(measure=measure))) for measure, title, hint in measures
    ]


def _metric_places(address: Address, chosen: MetricSummary) -> Sequence[Place]:
    at = address.at(f"{PATH}/series.json").having(statistic=_statistic(address, chosen))
    title = chosen.description or chosen.name
    return [Place(title, _statistic(address, chosen), str(at), wide=True)]


def _statistic(address: Address, chosen: MetricSummary | None) -> str:
    """Histograms show a percentile, unless their rate is asked for; all others their value."""
    if chosen is None or chosen.kind != "histogram":
        return "value"
    return address.get("statistic", "p95")


def _percentile(address: Address) -> str:
    asked = address.get("percentile")
    return asked if asked in _PERCENTILES else "p95"


def _labels(chosen: MetricSummary | None) -> Sequence[str]:
    """What a metric can be kept apart by."""
    if chosen is None:
        return ()
    return (*_OWN_LABELS, *chosen.attributes)
