"""The routes of what is served: apps, their environments, plans, releases, drift, artifacts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from fairway.api.asked import LARGEST_NUMBER, DeploymentRequest, Number, Redelivery
from fairway.api.etags import ETAG_HEADER, IfNoneMatch, tagged
from fairway.api.events import STREAM, HowToFollow, of_delivery
from fairway.api.offer import (
    AppName,
    ArtifactsHere,
    DeliveryHere,
    DirectoryHere,
    EnvironmentName,
    OfferHere,
    OpeningHere,
)
from fairway.api.problems import fails
from fairway.api.roles import Deployer, Viewer
from fairway.api.statuses import TooLarge
from fairway.api.writes import QUERY
from fairway.control.directory import EnvironmentSummary
from fairway.control.door import may
from fairway.delivery.deployment import Deployment
from fairway.delivery.port import DeadLetter, Delivery, ReleaseDiff
from fairway.errors import InvalidInput, NotFound
from fairway.plan.plan import Plan
from fairway.plan.release import Release
from fairway.targets.contract import Drift

ENVIRONMENT = "/apps/{app}/environments/{environment}"
apps = APIRouter(tags=["apps"], responses=fails(503))
router = APIRouter(prefix=ENVIRONMENT, tags=["environments"], responses=fails(404, 503))
ReleaseNumber = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
DigestPath = Annotated[str, Path(alias="digest", pattern=r"^sha256:[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class AppSummary:
    """An app and the environments that it was deployed to."""

    name: str
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """An environment, what is in force there (0: nothing yet) and what is under way."""

    app: str
    name: str
    target: str
    release: int
    deployment: Deployment | None


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """Some releases, the newest first; `cursor` is the next page's `before`."""

    releases: tuple[Release, ...]
    cursor: int | None


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Every difference between what runs and what should, or was repaired."""

    drift: tuple[Drift, ...]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What listeners could not be told, or is tried again."""

    dead_letters: tuple[DeadLetter, ...]


@apps.get("/apps")
async def list_apps(here: DirectoryHere, by: Viewer) -> tuple[AppSummary, ...]:
    """Every app that is served here."""
    names: dict[str, list[str]] = {}
    for one in await here.environments():
        names.setdefault(one.app, []).append(one.name)
    return tuple(AppSummary(app, tuple(found)) for app, found in sorted(names.items()))


@apps.get("/apps/{app}/environments", responses=fails(404))
async def list_environments(
    app: AppName,
    here: DirectoryHere,
    by: Viewer,
) -> tuple[EnvironmentSummary, ...]:
    """Every environment of an app."""
    found = tuple(one for one in await here.environments() if one.app == app)
    if not found:
        raise NotFound("no-such-app", f"no app '{app}' is served here", remedy="see /api/v1/apps")
    return found


@router.get("")
async def show_environment(
    app: AppName,
    environment: EnvironmentName,
    here: DirectoryHere,
    delivery: DeliveryHere,
    by: Viewer,
) -> EnvironmentState:
    """An environment, what is in force there and what is under way."""
    summary = next(s for s in await here.environments() if (s.app, s.name) == (app, environment))
    done = await delivery.deployments(status="succeeded", limit=1)
    newest = await delivery.deployments(limit=1)
    under_way = next((one for one in newest.deployments if not one.over), None)
    release = next((one.release for one in done.deployments), 0)
    return EnvironmentState(app, environment, summary.target, release, under_way)


@router.post("/plan", openapi_extra=QUERY, responses=fails(409))
async def plan(
    asked: DeploymentRequest,
    opening: OpeningHere,
    by: Viewer,
) -> Plan:
    """What deploying this would do now. Changes nothing.

    An environment that does not exist yet is created when the caller may deploy.
    """
    here = opening.opened(asked.app) if may(by, "deployer") else opening.delivery()
    delivery = await here
    return await delivery.plan(asked.wish())


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def environment_events(
    delivery: DeliveryHere,
    by: Viewer,
    follow: HowToFollow,
) -> StreamingResponse:
    """What happens in the environment, as server-sent events; from the beginning by default."""
    messages = of_delivery(delivery.events(None, follow.start or 0))
    return follow.stream(messages)


@router.get("/releases")
async def list_releases(
    delivery: DeliveryHere,
    by: Viewer,
    before: Annotated[Number | None, Query(description="The `cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReleasePage:
    """Kept releases, the newest first."""
    found = await delivery.releases(before=before, limit=limit)
    more = len(found) == limit and found[-1].number > 1
    return ReleasePage(found, found[-1].number if more else None)


@router.get(
    "/releases/{number}",
    response_model=Release,
    responses={200: {"headers": ETAG_HEADER}, 304: {"description": "Not modified"}},
)
async def show_release(
    number: ReleaseNumber,
    delivery: DeliveryHere,
    response: Response,
    by: Viewer,
    if_none_match: IfNoneMatch = None,
) -> Release:
    """One release."""
    return tagged(await delivery.release(number), response, if_none_match)


@router.get("/releases/{before}/diff/{after}")
async def diff_releases(
    before: ReleaseNumber,
    after: ReleaseNumber,
    delivery: DeliveryHere,
    by: Viewer,
) -> ReleaseDiff:
    """What differs between two releases."""
    return await delivery.diff(before, after)


@router.get("/drift", responses=fails(409))
async def drift(delivery: DeliveryHere, by: Viewer) -> DriftReport:
    """What runs against what should; 409 while a deployment changes that."""
    return DriftReport(await delivery.drift())


@router.post("/drift/repair", responses=fails(409))
async def repair(delivery: DeliveryHere, by: Deployer) -> DriftReport:
    """End every difference; answers with what was repaired."""
    return DriftReport(await delivery.repair(by))


@router.get("/dead-letters")
async def dead_letters(delivery: DeliveryHere, by: Viewer) -> Undelivered:
    """What webhooks and other listeners could not be told, the oldest first."""
    return Undelivered(await delivery.dead_letters())


@router.post("/dead-letters/redeliver", status_code=202)
async def redeliver(asked: Redelivery, delivery: DeliveryHere, by: Deployer) -> Undelivered:
    """Try again what could not be told; answers with what is tried again."""
    return Undelivered(await delivery.redeliver(by, asked.listener, asked.event))


@router.head("/artifacts/{digest}", status_code=204, responses={404: {"description": "Not kept"}})
async def has_artifact(digest: DigestPath, artifacts: ArtifactsHere, by: Viewer) -> Response:
    """Whether an artifact is kept already (204) or has to be sent (404)."""
    return Response(status_code=204 if await artifacts.has(digest) else 404)


@router.put(
    "/artifacts/{digest}",
    status_code=201,
    responses=fails(409, 413),
    response_model=None,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_artifact(
    digest: DigestPath,
    request: Request,
    artifacts: ArtifactsHere,
    offer: OfferHere,
    by: Deployer,
) -> Response:
    """Keep a packed artifact (tar.gz); sent again it changes nothing."""
    _check_announced(request, offer.largest_artifact)
    await artifacts.keep(digest, _bounded(request, offer.largest_artifact))
    return JSONResponse({"digest": digest}, 201)


def _check_announced(request: Request, largest: int) -> None:
    """Refuse before a byte of it is read what says itself that it is too large, or nothing."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/gzip":
        raise InvalidInput(
            "not-an-archive",
            "an artifact is sent as application/gzip",
            where="header.content-type",
            remedy="pack the folder as tar.gz",
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > largest:
        raise _too_large(largest)


async def _bounded(request: Request, largest: int) -> AsyncIterator[bytes]:
    taken = 0
    async for chunk in request.stream():
        taken += len(chunk)
        if taken > largest:
            raise _too_large(largest)
        yield chunk


def _too_large(largest: int) -> TooLarge:
    return TooLarge(
        "artifact-too-large",
        f"an artifact may have {largest // 1024**2} MiB",
        remedy="leave out what the service does not need to run",
    )


async def in_force(delivery: Delivery) -> Deployment:
    """The deployment whose release is in force; NotFound before the first."""
    found = await delivery.deployments(status="succeeded", limit=1)
    if not found.deployments:
        raise NotFound(
            "nothing-deployed", "nothing was deployed here yet", remedy="deploy it first"
        )
    return found.deployments[0]
