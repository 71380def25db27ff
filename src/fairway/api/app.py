"""The control plane over HTTP: `create_app(control, token)` is the whole API.

`server` runs it, the tests call it in process. It holds no state and decides nothing: it guards
the door (`guard`), translates requests into methods of `ControlPlane` and errors into JSON
(`errors`). Importing it costs about half a second for FastAPI, so it is imported once services run.
"""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from fastapi import FastAPI, Header, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from fairway import __version__
from fairway.api.errors import install_error_handlers
from fairway.api.events import HEARTBEAT_SECONDS, server_sent
from fairway.api.guard import Asgi, Guard
from fairway.api.records import add_record_routes
from fairway.control.port import Answer, ControlPlane, Question, SystemStatus


class Asked(BaseModel):
    """Base of what the API is sent: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Replicas(Asked):
    """How many replicas should run."""

    replicas: int = Field(ge=0, le=1000)


class Caller(Asked):
    """Who would call."""

    kind: str
    name: str


class DecideRequest(Asked):
    """May this principal ask this service for this intent?"""

    principal: Caller
    service: str
    intent: str
    context: dict[str, object] = {}


def create_app(control: ControlPlane, token: str, *, heartbeat: float = HEARTBEAT_SECONDS) -> Asgi:
    """The guarded API of a running system."""
    app = FastAPI(
        title="Fairway control plane",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    _add_system_routes(app, control)
    _add_event_route(app, control, heartbeat)
    add_record_routes(app, control)
    return Guard(app, token)


def _add_system_routes(app: FastAPI, control: ControlPlane) -> None:
    stopping: set[asyncio.Task[None]] = set()

    @app.get("/v1/ping", tags=["system"])
    async def ping() -> dict[str, int]:
        # Who holds the port and knows the token, without asking any part of the system.
        return {"pid": os.getpid()}

    @app.get("/v1/status", tags=["system"])
    async def status() -> SystemStatus:
        return await control.status()

    @app.post("/v1/services/{name}/restart", tags=["system"])
    async def restart(name: str) -> SystemStatus:
        await control.restart(name)
        return await control.status()

    @app.post("/v1/services/{name}/scale", tags=["system"])
    async def scale(name: str, wanted: Replicas) -> SystemStatus:
        await control.scale(name, wanted.replicas)
        return await control.status()

    @app.post("/v1/stop", status_code=202, tags=["system"])
    async def stop(response: Response) -> dict[str, str]:
        # Answered before it is done: the process that answers is the one that goes away.
        task = asyncio.create_task(control.stop())
        stopping.add(task)
        task.add_done_callback(stopping.discard)
        response.headers["location"] = "/v1/events"
        return {"phase": "stopping"}

    @app.post("/v1/decide", tags=["governance"])
    async def decide(asked: DecideRequest) -> Answer:
        caller = asked.principal
        question = Question(caller.kind, caller.name, asked.service, asked.intent, asked.context)
        return await control.decide(question)


def _add_event_route(app: FastAPI, control: ControlPlane, heartbeat: float) -> None:
    @app.get("/v1/events", tags=["system"], response_class=StreamingResponse)
    async def events(
        after: int | None = None,
        last_event_id: Annotated[int | None, Header()] = None,
    ) -> StreamingResponse:
        start = last_event_id if last_event_id is not None else after
        stream = server_sent(control.events(start), heartbeat)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"cache-control": "no-store"}
        )
