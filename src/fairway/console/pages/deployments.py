"""Deployments and releases of an environment: history, differences, the way back to any of them.

Also on a shared server, where there are several environments. One deployment is in `deployment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from fairway.api.asked import LARGEST_NUMBER, Text
from fairway.console.addresses import SureHere, go
from fairway.console.live import live
from fairway.console.page import Entry, Page, PageHere
from fairway.console.pages import deployment
from fairway.console.views.differences import diff_of
from fairway.console.views.releases import (
    change_rows,
    deployment_row,
    difference_rows,
    release_rows,
)
from fairway.delivery.deployment import Status
from fairway.delivery.port import Delivery, WhenBusy, Wish
from fairway.errors import Conflict
from fairway.plan.describe import strategy_words

ENTRY = Entry("Deployments", "/deployments", "deployments", "d", system=False)
router = APIRouter()
_PAGE = 20
_RELEASES = 30
Number = Annotated[int, Query(ge=1, le=LARGEST_NUMBER)]
Before = Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)]
Cursor = Annotated[str | None, Query(max_length=200)]
StatusFilter = Literal["", Status]


@router.get("/deployments")
async def deployments(
    here: PageHere, status: StatusFilter = "", cursor: Cursor = None
) -> HTMLResponse:
    """What is under way, and what was."""
    shown = await _list(here, status, cursor)
    return here.render("deployments.html", chosen=status, cursor=cursor or "", **shown)


@router.get("/deployments/live")
async def deployments_live(
    here: SureHere, status: StatusFilter = "", cursor: Cursor = None
) -> StreamingResponse:
    """The same, as it goes on."""

    async def fragments() -> Iterable[str]:
        shown = await _list(here, status, cursor)
        return [here.html("_deployments.html", chosen=status, cursor=cursor or "", **shown)]

    return live(here, fragments)


async def _list(here: Page, status: StatusFilter, cursor: str | None) -> dict[str, Any]:
    empty = {
        "statuses": get_args(Status),
        "go": go(here),
        "rows": (),
        "older": None,
        "under_way": (),
        "in_force": 0,
    }
    if here.environment is None:
        return empty
    delivery = await here.delivery()
    page = await delivery.deployments(status=status or None, cursor=cursor, limit=_PAGE)
    newest = page if not (status or cursor) else await delivery.deployments(limit=_PAGE)
    rows = [deployment_row(one, here.now) for one in page.deployments]
    running = [deployment_row(one, here.now) for one in newest.deployments if not one.over]
    return empty | {
        "rows": rows,
        "older": page.cursor,
        "under_way": running[::-1],
        "in_force": await _in_force(delivery),
    }


@router.get("/deployments/releases")
async def releases(here: PageHere, before: Before = None) -> HTMLResponse:
    """Every kept release."""
    found = await _releases(await here.delivery(), before) if here.environment else None
    shown = found or {"rows": (), "older": None, "in_force": 0}
    return here.render("releases.html", go=go(here), before=before or "", **shown)


@router.get("/deployments/releases/live")
async def releases_live(here: SureHere, before: Before = None) -> StreamingResponse:
    """The same, as deployments of them go on."""

    async def fragments() -> Iterable[str]:
        shown = await _releases(await here.delivery(), before)
        return [here.html("_releases.html", go=go(here), **shown)]

    return live(here, fragments)


async def _releases(delivery: Delivery, before: int | None) -> dict[str, Any]:
    kept = await delivery.releases(before=before, limit=_RELEASES + 1)
    recent = (await delivery.deployments(limit=100)).deployments
    in_force = await _in_force(delivery)
    rows = release_rows(kept, recent, in_force)[:_RELEASES]
    older = rows[-1].number if len(kept) > _RELEASES else None
    return {"rows": rows, "older": older, "in_force": in_force}


@router.get("/deployments/diff")
async def difference(here: PageHere, before: Number, after: Number) -> HTMLResponse:
    """What differs between two releases."""
    delivery = await here.delivery()
    found = await delivery.diff(before, after)
    numbers = [each.number for each in await delivery.releases(limit=100)]
    return here.render(
        "release_diff.html", go=go(here), before=before, after=after,
        numbers=sorted({*numbers, before, after}, reverse=True),
        changes=difference_rows(found.changes), diff=diff_of(found.lines),
    )  # fmt: skip


@router.get("/deployments/rollback")
async def roll_back_preview(
    here: PageHere, to: Number, when_busy: WhenBusy = "refuse"
) -> HTMLResponse:
    """What going back to a release would do, before anybody does it."""
    delivery = await here.delivery()
    release = await delivery.release(to)
    plan, conflict = None, None
    try:
        plan = await delivery.plan(Wish(release=to, when_busy=when_busy))
    except Conflict as error:
        conflict = error
    shown = {"changes": change_rows(plan), "strategy": strategy_words(plan)} if plan else {}
    return here.render(
        "rollback.html", go=go(here), release=release, when_busy=when_busy, plan=plan,
        conflict=conflict, shown=shown,
    )  # fmt: skip


class WayBack(BaseModel):
    """The form of the preview: `fingerprint` is that of the plan that was shown."""

    to: int = Field(ge=1, le=LARGEST_NUMBER)
    fingerprint: str = Field(max_length=100)
    note: Text = ""
    when_busy: WhenBusy = "refuse"
    emergency: bool = False

    def wish(self) -> Wish:
        """As the delivery is asked."""
        return Wish(
            release=self.to,
            fingerprint=self.fingerprint or None,
            note=self.note.strip(),
            when_busy=self.when_busy,
            emergency=self.emergency,
            reason=self.note.strip() if self.emergency else "",
        )


@router.post("/deployments/rollback")
async def roll_back(here: SureHere, asked: Annotated[WayBack, Form()]) -> Response:
    """Bring the release back, if its plan is still the one that was shown."""
    here.require("admin" if asked.emergency else "deployer")
    begun = await (await here.delivery()).deploy(asked.wish(), here.actor)
    return here.moved(go(here)(f"/deployments/{begun.id}"), f"{begun.cohort} is on its way")


async def _in_force(delivery: Delivery) -> int:
    done = (await delivery.deployments(status="succeeded", limit=1)).deployments
    return done[0].release if done else 0


router.include_router(deployment.router)  # last: its `{id}` would take every other path
