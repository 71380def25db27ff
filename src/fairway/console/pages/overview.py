"""The first page: what runs, who calls whom, what is denied, slow, broken or being shipped."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fairway.console.page import Entry, PageHere

ENTRY = Entry("Overview", "/", "overview", "o")
router = APIRouter()


@router.get("/")
async def overview(here: PageHere) -> HTMLResponse:
    """The page."""
    return here.render("overview.html", status=200, system=await here.control.status())
