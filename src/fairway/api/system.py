"""The routes of the system that runs on this machine: status, events, restart, scale, stop."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse

from fairway.api.asked import Replicas
from fairway.api.events import STREAM, HowToFollow, of_system
from fairway.api.offer import ControlHere
from fairway.api.problems import fails
from fairway.api.roles import Admin, Deployer, Viewer
from fairway.control.port import SystemStatus

ping_router = APIRouter(tags=["system"])
router = APIRouter(tags=["system"], responses=fails(503))
ServiceName = Annotated[str, Path(alias="name", max_length=100)]
_stopping: set[asyncio.Task[None]] = set()
"""Keeps the tasks alive that end the system (asyncio itself holds them only weakly)."""


@ping_router.get("/ping")
async def ping(by: Viewer) -> dict[str, int]:
    """Who holds the port and knows the token, without asking any part of the system."""
    return {"pid": os.getpid()}


@router.get("/status")
async def status(control: ControlHere, by: Viewer) -> SystemStatus:
    """How everything is, now."""
    return await control.status()


@router.post("/services/{name}/restart", responses=fails(404, 409))
async def restart(name: ServiceName, control: ControlHere, by: Deployer) -> SystemStatus:
    """Replace every replica of a service; answers when the new ones are healthy."""
    await control.restart(name)
    return await control.status()


@router.post("/services/{name}/scale", responses=fails(404, 409))
async def scale(
    name: ServiceName,
    wanted: Replicas,
    control: ControlHere,
    by: Deployer,
) -> SystemStatus:
    """Run this many replicas; answers when they are healthy or gone."""
    await control.scale(name, wanted.replicas)
    return await control.status()


@router.post("/stop", status_code=202)
async def stop(response: Response, control: ControlHere, by: Admin) -> dict[str, str]:
    """Take everything down; answers before it is done: the process that answers goes away."""
    task = asyncio.create_task(control.stop())
    _stopping.add(task)
    task.add_done_callback(_stopping.discard)
    response.headers["location"] = "/api/v1/events"
    return {"phase": "stopping"}


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def events(
    control: ControlHere,
    by: Viewer,
    follow: HowToFollow,
) -> StreamingResponse:
    """What happens in the system, as server-sent events."""
    return follow.stream(of_system(control.events(follow.start)))
