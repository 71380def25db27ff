"""The routes of one service: stopped and started, its variables, calls as any identity."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from fairway.api.asked import Asked
from fairway.api.offer import ControlHere
from fairway.api.problems import fails
from fairway.api.roles import Deployer, Viewer
from fairway.control.explored import CallOutcome, CallRequest, OfferedIntent, ServiceVariables
from fairway.control.port import SystemStatus
from fairway.control.topology import Topology

router = APIRouter(tags=["services"], responses=fails(503))
ServiceName = Annotated[str, Path(alias="name", max_length=100)]
_Text = Annotated[str, Field(max_length=8000, pattern=r"^[^\x00\r\n]*$")]


class Call(Asked):
    """A request to send as an identity; with an intent, method and path may be left out."""

    identity: str = Field(max_length=100)
    service: str = Field(max_length=100)
    method: str = Field("", pattern=r"^[A-Za-z]{0,20}$")
    path: str = Field("", max_length=8000, pattern=r"^(/[!-~]*)?$")
    headers: dict[str, _Text] = Field({}, max_length=100)
    body: str = Field("", max_length=1_000_000)
    intent: str = Field("", max_length=100)


@router.get("/topology")
async def topology(control: ControlHere, by: Viewer) -> Topology:
    """What is connected with what, and how it is, now."""
    return await control.topology()


@router.post("/services/{name}/stop", responses=fails(404, 409))
async def stop_service(name: ServiceName, control: ControlHere, by: Deployer) -> SystemStatus:
    """End every replica of a service; it stays down until it is started again."""
    await control.stop_service(name)
    return await control.status()


@router.post("/services/{name}/start", responses=fails(404, 409))
async def start_service(name: ServiceName, control: ControlHere, by: Deployer) -> SystemStatus:
    """Run a stopped service again; answers when it is healthy."""
    await control.start_service(name)
    return await control.status()


@router.get("/services/{name}/variables", responses=fails(404))
async def variables(name: ServiceName, control: ControlHere, by: Viewer) -> ServiceVariables:
    """The environment of a service, secrets masked."""
    return await control.variables(name)


@router.get("/services/{name}/intents", responses=fails(404))
async def intents(
    name: ServiceName,
    control: ControlHere,
    by: Viewer,
) -> tuple[OfferedIntent, ...]:
    """What callers may ask of a service."""
    return await control.intents(name)


@router.get("/services/{name}/openapi", responses=fails(404))
async def openapi(name: ServiceName, control: ControlHere, by: Viewer) -> dict[str, Any]:
    """The OpenAPI document that a service serves itself."""
    return dict(await control.openapi(name))


@router.post("/call", responses=fails(404))
async def call(asked: Call, control: ControlHere, by: Deployer) -> CallOutcome:
    """Send a request as an identity, through the mesh; whatever comes back is the answer."""
    return await control.call(CallRequest(**dict(asked)))
