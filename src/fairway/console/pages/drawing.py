"""Charts as JSON: the numbers of the metrics page, with what happened meanwhile, by run if asked.

`metrics` includes the router. With `compare=N` in the address the present run (or `run`) and run N
are laid over each other, each counted from its own start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from fairway.console.page import Page, PageHere
from fairway.console.pages.listing import address_of
from fairway.console.views.charts import (
    MEASURES,
    STATISTICS,
    Axis,
    Chart,
    Mark,
    Statistic,
    laid_over,
    of_metric,
    of_traffic,
    since_start,
    with_marks,
)
from fairway.console.views.filters import number_of, wanted_attributes
from fairway.console.views.links import Address
from fairway.console.views.marks import delivery_marks, policy_marks, run_marks
from fairway.console.views.red import as_kept, by_of, label_by, split_of, traffic_query, whole_steps
from fairway.console.views.timerange import TimeRange, time_range
from fairway.delivery.deployment import Deployment
from fairway.errors import InvalidInput, NotFound
from fairway.telemetry.port import MetricQuery, Run

Ask = Callable[[Axis, int | None], Awaitable[Chart]]
"""The chart for an axis, of one run or (None) of all."""
_SELDOM = 130.0
"""Seconds: SDKs send metrics once a minute unless they are told otherwise; one may get lost."""
_DEPLOYMENTS = 20
_MARKS_SECONDS = 2.0
_ENDED_SECONDS = 600.0

router = APIRouter()


@router.get("/metrics/requests.json")
async def requests(here: PageHere, measure: str = "rate") -> JSONResponse:
    """One measure of requests over time."""
    address = address_of(here, "/metrics")
    chosen = next((each for each in MEASURES if each == measure), None)
    if chosen is None:
        raise InvalidInput("unknown-measure", f"`{measure}` is no measure", where="measure")
    split = split_of(address)

    async def ask(axis: Axis, run: int | None) -> Chart:
        axis = as_kept(axis, here.now)
        rows = await here.telemetry.traffic(traffic_query(address, axis, by_of(split), run))
        return of_traffic(rows, chosen, label_by(split), axis)

    return await drawn(here, address, ask)


@router.get("/metrics/series.json")
async def series(here: PageHere, name: str, statistic: str = "value") -> JSONResponse:
    """One metric over time."""
    address = address_of(here, "/metrics/custom")
    chosen: Statistic = next((each for each in STATISTICS if each == statistic), "value")
    by = tuple(
        dict.fromkeys(part for each in address.all("by") for part in each.split(",") if part)
    )

    async def ask(axis: Axis, run: int | None) -> Chart:
        query = MetricQuery(
            name, axis.since, axis.until, axis.step, address.get("service") or None,
            wanted_attributes(address), by, run,
        )  # fmt: skip
        patient = replace(axis, patience=_SELDOM)
        return of_metric(await here.telemetry.metric(query), chosen, patient)

    return await drawn(here, address, ask)


async def drawn(here: Page, address: Address, ask: Ask) -> JSONResponse:
    """The chart that an address asks for, or those of two runs in one."""
    shown = time_range(address, here.now)
    earlier = number_of(address, "compare")
    if earlier is None:
        axis = whole_steps(shown.since, shown.until, shown.step, here.now)
        found, marks = await asyncio.gather(ask(axis, number_of(address, "run")), marks_of(here))
        return _answer(with_marks(found, marks))
    present, past = await two_runs(here, address, earlier)
    now, then = await asyncio.gather(
        _of_run(here, present, shown, ask), _of_run(here, past, shown, ask)
    )
    return _answer(laid_over(now, then, f"run {past.number}", shown.step))


async def marks_of(here: Page) -> Sequence[Mark]:
    """What happened lately: deployments, weights, policies, starts. Shared by all charts."""
    return await here.kept("marks", _MARKS_SECONDS, lambda: _marks(here))


def beginning_of(run: Run, shown: TimeRange, now: float) -> Axis:
    """As much of a run from its start as the page shows of time."""
    end = min(run.started_at + shown.length, run.ended_at or now)
    return whole_steps(run.started_at, end, shown.step, now)


async def two_runs(here: Page, address: Address, earlier: int) -> tuple[Run, Run]:
    """The run that is shown (the newest, unless the address names one) and an earlier one."""
    runs = {run.number: run for run in (await here.telemetry.status()).runs}
    number = number_of(address, "run")
    present = number if number is not None else max(runs, default=0)
    for each in (present, earlier):
        if each not in runs:
            raise NotFound(
                "no-such-run", f"nothing is stored of run {each}", where="compare",
                remedy=f"there are runs {', '.join(map(str, sorted(runs))) or 'none'}",
            )  # fmt: skip
    return runs[present], runs[earlier]


async def _of_run(here: Page, run: Run, shown: TimeRange, ask: Ask) -> Chart:
    axis = beginning_of(run, shown, here.now)
    found, marks = await asyncio.gather(ask(axis, run.number), marks_of(here))
    return since_start(with_marks(found, marks), run.started_at)


async def _marks(here: Page) -> Sequence[Mark]:
    status, records = await asyncio.gather(here.telemetry.status(), here.records())
    found = [*run_marks(status.runs), *policy_marks(await records.releases())]
    try:
        delivery = await here.delivery()
    except NotFound:  # nothing was deployed here yet
        return found
    listed = (await delivery.deployments(limit=_DEPLOYMENTS)).deployments
    for told in await asyncio.gather(*(_marks_of_one(here, each) for each in listed)):
        found += told
    return found


async def _marks_of_one(here: Page, deployment: Deployment) -> Sequence[Mark]:
    """The marks of a deployment; those of one that is over do not change any more."""

    async def ask() -> Sequence[Mark]:
        return delivery_marks(await (await here.delivery()).happened(deployment.id))

    if deployment.over:
        return await here.kept(f"marks/{deployment.id}", _ENDED_SECONDS, ask)
    return await ask()


def _answer(found: Chart) -> JSONResponse:
    return JSONResponse(found.as_json(), headers={"cache-control": "no-store"})
