"""What the lists of logs, traces and metrics share: the address, and what to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.responses import HTMLResponse

from fairway.console.page import Page
from fairway.console.views.links import Address
from fairway.console.views.timerange import PRESETS

Choices = Sequence[tuple[str, str]]
"""Values with their words, for a select."""
_STATUS_SECONDS = 2.0


def address_of(here: Page, path: str) -> Address:
    """Where the page is; the choice of an environment belongs to the session, not to a filter."""
    pairs = [pair for pair in here.request.query_params.multi_items() if pair[0] != "at"]
    return Address.of(path, pairs)


def in_address_bar(here: Page, address: Address, answer: HTMLResponse) -> HTMLResponse:
    """A filtered page is remembered by its shortest address, without parameters that are empty."""
    if here.scripted:
        answer.headers["hx-push-url"] = str(address)
    return answer


async def service_choices(here: Page, *also: str) -> Choices:
    """What one may filter by: the services that run, the gateway, and what is filtered by."""
    status = await here.kept("status", _STATUS_SECONDS, here.control.status)
    names = {*(service.name for service in status.services), "gateway", *also} - {""}
    return [("", "all"), *((name, name) for name in sorted(names))]


async def run_choices(here: Page) -> Choices:
    """Runs to choose from, the newest first."""
    status = await here.kept("telemetry", _STATUS_SECONDS, here.telemetry.status)
    runs = sorted(status.runs, key=lambda run: run.number, reverse=True)
    return [
        ("", "all"),
        *(
            (str(run.number), f"run {run.number}" + ("" if run.ended_at else " (this one)"))
            for run in runs
        ),
    ]


def preset_choices() -> Choices:
    """Stretches of time that end now."""
    return [("", "all"), *((name, f"last {name}") for name in PRESETS)]
