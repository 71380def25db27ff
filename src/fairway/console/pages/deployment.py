"""One deployment: its course, both versions side by side, the verdict in words, and what to do.

Live while it goes on. Commands are kept by the delivery and carried out by its engine, so an answer
says that the command was given, and the page shows what comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Form, Path, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from fairway.console.addresses import SureHere, go
from fairway.console.live import live
from fairway.console.page import Page, PageHere
from fairway.console.views.canary import SPARK_HEIGHT, SPARK_WIDTH, comparisons, verdict
from fairway.console.views.releases import change_rows, deployment_row, event_rows
from fairway.console.views.steering import ORDERS, buttons, needs_reason
from fairway.delivery.deployment import Command, Deployment
from fairway.delivery.port import Delivery
from fairway.errors import InvalidInput, NotFound

router = APIRouter()
SECONDS = 0.5
"""Between looks at a deployment."""
_PARTS = tuple(f"_deployment_{part}.html" for part in ("head", "now", "plan", "events"))
DeploymentId = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_DONE = {
    "promote": "promoted: on to the next stage",
    "promote_fully": "promoted to all requests",
    "pause": "it will stay at the present weights",
    "resume": "it goes on",
    "abort": "it goes back to what was before",
    "override": "the gates are skipped",
    "approve": "approved",
    "reject": "rejected",
}


@router.get("/deployments/{id}")
async def deployment(here: PageHere, id: DeploymentId) -> HTMLResponse:
    """The page."""
    delivery = await here.delivery()
    found = await delivery.deployment(id)
    return here.render("deployment.html", **await _shown(here, delivery, found))


@router.get("/deployments/{id}/live")
async def deployment_live(here: SureHere, id: DeploymentId) -> StreamingResponse:
    """The same, as it goes on."""
    delivery = await here.delivery()

    async def fragments() -> Iterable[str]:
        shown = await _shown(here, delivery, await delivery.deployment(id))
        return [here.html(part, **shown) for part in _PARTS]

    return live(here, fragments, SECONDS)


@router.post("/deployments/{id}/{order}")
async def tell(
    here: SureHere,
    id: DeploymentId,
    order: str,
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Give a command: promote, pause, resume, abort, override, approve or reject."""
    if order not in ORDERS:
        raise NotFound("no-such-order", f"there is no order '{order}'", where=here.request.url.path)
    here.require("admin" if order == "override" else "deployer")
    why = reason.replace("\0", "").strip()
    if needs_reason(order) and not why:
        raise InvalidInput("reason-missing", f"{order} needs a reason", remedy="say why")
    delivery = await here.delivery()
    found = await delivery.deployment(id)
    await _give(delivery, found, order, here, why)
    return here.done(f"{found.cohort}: {_DONE[order]}", go(here)(f"/deployments/{found.id}"))


async def _give(delivery: Delivery, found: Deployment, order: str, here: Page, why: str) -> None:
    match order:
        case "approve":
            await delivery.approve(found.id, here.actor, why)
        case "reject":
            await delivery.reject(found.id, here.actor, why)
        case _:
            assert order in get_args(Command)
            await delivery.tell(found.id, cast(Command, order), here.actor, why)


async def _shown(here: Page, delivery: Delivery, found: Deployment) -> dict[str, Any]:
    watching = await delivery.watching(found.id)
    return {
        "go": go(here),
        "deployment": found,
        "row": deployment_row(found, here.now),
        "comparisons": comparisons(found, watching),
        "verdict": verdict(found, watching, here.now),
        "buttons": buttons(found, here.actor),
        "changes": change_rows(found.plan),
        "events": event_rows(await delivery.happened(found.id)),
        "spark": (SPARK_WIDTH, SPARK_HEIGHT),
    }
