"""The routes of deployments: begin, list, watch, and tell one how to go on.

Whatever makes a deployment go on answers 202 with the deployment as it is at that moment: the
command is kept, and carried out when the engine comes to it. `If-Match` with the tag of what the
caller saw makes sure that they decide about what is still so.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from fairway.api.asked import DeploymentRequest, Promotion, Refusal, RollbackWish, Said
from fairway.api.environments import ENVIRONMENT
from fairway.api.etags import ETAG_HEADER, IfMatch, IfNoneMatch, check_match, tagged
from fairway.api.events import STREAM, HowToFollow, of_delivery, with_progress
from fairway.api.offer import DeliveryHere, OpeningHere
from fairway.api.problems import fails
from fairway.api.roles import Admin, Deployer, Viewer, check
from fairway.delivery.deployment import Command, Deployment, Status
from fairway.delivery.going_back import release_before
from fairway.delivery.port import Actor, Delivery, Page, Watching, Wish
from fairway.errors import Conflict

router = APIRouter(prefix=ENVIRONMENT, tags=["deployments"], responses=fails(404, 503))
DeploymentId = Annotated[
    str,
    Path(
        alias="deployment",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Its id, or a unique beginning of it.",
    ),
]
_TAGGED: dict[int | str, dict[str, Any]] = {200: {"headers": ETAG_HEADER}}
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"headers": ETAG_HEADER},
    **fails(409, 412),
}
_BEGUN: dict[int | str, dict[str, Any]] = {
    202: {
        "headers": ETAG_HEADER
        | {"Location": {"description": "The deployment.", "schema": {"type": "string"}}}
    },
    **fails(409),
}


class Case:
    """The deployment that a command is about, as it is now, and who gives the command."""

    def __init__(self, delivery: Delivery, deployment: Deployment) -> None:
        self.delivery = delivery
        self.deployment = deployment

    async def tell(
        self, command: Command, by: Actor, reason: str, response: Response
    ) -> Deployment:
        """Give a command; the deployment as it is afterwards."""
        await self.delivery.tell(self.deployment.id, command, by, reason)
        return await self.now(response)

    async def now(self, response: Response) -> Deployment:
        """The deployment as it is now, with its tag in the answer."""
        return tagged(await self.delivery.deployment(self.deployment.id), response)


class Beginning:
    """Begins a deployment in the environment of the path, and says where it can be found."""

    def __init__(self, request: Request, response: Response) -> None:
        here = request.path_params
        self._environment = f"/api/v1/apps/{here['app']}/environments/{here['environment']}"
        self._response = response

    async def begin(self, delivery: Delivery, wish: Wish, by: Actor) -> Deployment:
        """Begin what is wished; an emergency is not for everyone who may deploy."""
        if wish.emergency:
            check(by, "admin")
        begun = await delivery.deploy(wish, by)
        self._response.headers["location"] = f"{self._environment}/deployments/{begun.id}"
        return tagged(begun, self._response)


async def _case(deployment: DeploymentId, delivery: DeliveryHere, if_match: IfMatch = None) -> Case:
    found = await delivery.deployment(deployment)
    check_match(found, if_match)
    return Case(delivery, found)


CaseHere = Annotated[Case, Depends(_case)]
BeginningHere = Annotated[Beginning, Depends()]


@router.post("/deployments", status_code=202, responses=_BEGUN)
async def begin_deployment(
    asked: DeploymentRequest,
    opening: OpeningHere,
    beginning: BeginningHere,
    by: Deployer,
) -> Deployment:
    """Keep the release and begin, or queue, its deployment. The first creates the environment."""
    delivery = await opening.opened(asked.app)
    return await beginning.begin(delivery, asked.wish(), by)


@router.post("/rollback", status_code=202, responses=_BEGUN)
async def roll_back_environment(
    delivery: DeliveryHere,
    beginning: BeginningHere,
    by: Deployer,
    asked: RollbackWish | None = None,
) -> Deployment:
    """Bring an earlier release back by a normal deployment: plan, gates and analysis included."""
    asked = asked or RollbackWish()
    release = asked.to or await release_before(delivery)
    return await beginning.begin(delivery, _wish_back(release, asked), by)


@router.get("/deployments")
async def list_deployments(
    delivery: DeliveryHere,
    by: Viewer,
    status: Status | None = None,
    cursor: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.=-]{1,200}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page:
    """Deployments, the newest first; `cursor` of a page is where the next one begins."""
    return await delivery.deployments(status=status, cursor=cursor, limit=limit)


@router.get(
    "/deployments/{deployment}",
    response_model=Deployment,
    responses=_TAGGED | {304: {"description": "Not modified"}},
)
async def show_deployment(
    deployment: DeploymentId,
    delivery: DeliveryHere,
    response: Response,
    by: Viewer,
    if_none_match: IfNoneMatch = None,
) -> Deployment:
    """One deployment, as it is now."""
    return tagged(await delivery.deployment(deployment), response, if_none_match)


@router.get("/deployments/{deployment}/watching")
async def show_watching(
    deployment: DeploymentId,
    delivery: DeliveryHere,
    by: Viewer,
) -> Watching | None:
    """The latest live numbers of a deployment, null before its first look."""
    found = await delivery.deployment(deployment)
    return await delivery.watching(found.id)


@router.get("/deployments/{deployment}/events", response_class=StreamingResponse, responses=STREAM)
async def deployment_events(
    deployment: DeploymentId,
    delivery: DeliveryHere,
    by: Viewer,
    follow: HowToFollow,
    progress: Annotated[bool, Query(description="Live numbers in between.")] = False,
) -> StreamingResponse:
    """Its events as server-sent events; ends when it has ended."""
    found = await delivery.deployment(deployment)
    messages = of_delivery(delivery.events(found.id, follow.start or 0))
    if progress:
        messages = with_progress(messages, lambda: delivery.watching(found.id))
    return follow.stream(messages)


@router.post("/deployments/{deployment}/approve", status_code=202, responses=_ACCEPTED)
async def approve(
    case: CaseHere, response: Response, by: Deployer, asked: Said | None = None
) -> Deployment:
    """Agree to it: with a role that its environment asks for; whoever started it may not."""
    await case.delivery.approve(case.deployment.id, by, (asked or Said()).reason)
    return await case.now(response)


@router.post("/deployments/{deployment}/reject", status_code=202, responses=_ACCEPTED)
async def reject(case: CaseHere, response: Response, by: Deployer, asked: Refusal) -> Deployment:
    """Refuse it, with a role that its environment asks for: it ends as cancelled."""
    await case.delivery.reject(case.deployment.id, by, asked.reason)
    return await case.now(response)


@router.post("/deployments/{deployment}/promote", status_code=202, responses=_ACCEPTED)
async def promote(
    case: CaseHere, response: Response, by: Deployer, asked: Promotion | None = None
) -> Deployment:
    """On to the next stage without waiting for a verdict, or at once to the last."""
    asked = asked or Promotion()
    command: Command = "promote_fully" if asked.fully else "promote"
    return await case.tell(command, by, asked.reason, response)


@router.post("/deployments/{deployment}/pause", status_code=202, responses=_ACCEPTED)
async def pause(
    case: CaseHere, response: Response, by: Deployer, asked: Said | None = None
) -> Deployment:
    """Stay at the present weights until someone resumes it."""
    return await case.tell("pause", by, (asked or Said()).reason, response)


@router.post("/deployments/{deployment}/resume", status_code=202, responses=_ACCEPTED)
async def resume(
    case: CaseHere, response: Response, by: Deployer, asked: Said | None = None
) -> Deployment:
    """Go on where it was paused."""
    return await case.tell("resume", by, (asked or Said()).reason, response)


@router.post("/deployments/{deployment}/abort", status_code=202, responses=_ACCEPTED)
async def abort(
    case: CaseHere, response: Response, by: Deployer, asked: Said | None = None
) -> Deployment:
    """Go back to what was before."""
    return await case.tell("abort", by, (asked or Said()).reason, response)


@router.post("/deployments/{deployment}/override", status_code=202, responses=_ACCEPTED)
async def override(case: CaseHere, response: Response, by: Admin, asked: Refusal) -> Deployment:
    """In an emergency: skip the approval or the window that holds it; told to everyone."""
    return await case.tell("override", by, asked.reason, response)


@router.post("/deployments/{deployment}/rollback", status_code=202, responses=_BEGUN | fails(412))
async def roll_back_deployment(
    case: CaseHere,
    response: Response,
    beginning: BeginningHere,
    by: Deployer,
    asked: Said | None = None,
) -> Deployment:
    """Undo it: abort it while it runs, deploy what was before it once it has succeeded."""
    reason = (asked or Said()).reason
    if not case.deployment.over:
        return await case.tell("abort", by, reason, response)
    if case.deployment.status != "succeeded" or not case.deployment.base:
        raise Conflict(
            "nothing-to-undo",
            f"deployment {case.deployment.id} has left nothing that could be undone",
            remedy="name the release to go back to: POST …/rollback with `to`",
        )
    wish = Wish(release=case.deployment.base, note=reason)
    return await beginning.begin(case.delivery, wish, by)


def _wish_back(release: int, asked: RollbackWish) -> Wish:
    return Wish(
        release=release,
        note=asked.note,
        when_busy=asked.when_busy,
        emergency=asked.emergency,
        reason=asked.reason,
    )
