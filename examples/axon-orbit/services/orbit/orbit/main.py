"""orbit over HTTP: `POST /dispatch` hands a prompt to axon, and `GET /health` for whoever watches.

Run by `uvicorn orbit.main:app`. One request is one story: ask governance whether orbit may, then
ask axon. The client from `fairway_runtime` signs the call, sends it through the mesh, retries it
where that is safe, stops asking while axon is down, and passes the correlation id on. What can go
wrong on the way is answered by the handlers at the bottom, one for each error.
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fairway_runtime import (
    CallFailed,
    CircuitOpen,
    Denied,
    ServiceClient,
    current_request,
    fairway,
    get_logger,
)
from orbit.document import DOCUMENT
from orbit.fault import fault_of, faulty
from orbit.order import InvalidOrder, Order

PATIENCE = 2.0
"""Seconds that axon gets, all retries included."""

log = get_logger(__name__)


async def health(_: Request) -> JSONResponse:
    """Alive; that axon is too is axon's own health check to say."""
    return JSONResponse({"status": "ok", "service": "orbit"})


async def document(_: Request) -> JSONResponse:
    """What one may ask, for the API explorer."""
    return JSONResponse(DOCUMENT)


async def dispatch(request: Request) -> JSONResponse:
    """Ask axon, if policy allows it, and answer with what it said."""
    order = Order.parse(await request.body())
    client: ServiceClient = request.app.state.client
    await governed(client, order)
    answer = await client.call(
        "axon",
        order.intent,
        json={"prompt": order.prompt},
        timeout=PATIENCE,
        idempotency_key=request.headers.get("idempotency-key", current_request().correlation_id),
    )
    log.info("dispatched", intent=order.intent, status=answer.status_code)
    return JSONResponse(envelope() | {"axon": answer.json()}, status_code=answer.status_code)


async def governed(client: ServiceClient, order: Order) -> None:
    """Raise `Denied` if policy forbids the order: better said here than after a journey."""
    decision = await client.ask("axon", order.intent)
    if not decision.allowed:
        raise Denied(decision.reason, decision.decision_id, 403)


def envelope() -> dict[str, str]:
    """Who answers, in which release, and to which request."""
    now = current_request()
    return {"service": "orbit", "release": now.release, "correlation_id": now.correlation_id}


async def invalid(_: Request, error: Exception) -> JSONResponse:
    """422: the caller's mistake, in words that help to mend it."""
    return JSONResponse({"error": "invalid_order", "message": str(error)}, status_code=422)


async def denied(_: Request, error: Exception) -> JSONResponse:
    """403: a policy forbids it, and the reason may be looked up by its decision id."""
    assert isinstance(error, Denied)
    log.warning("dispatch denied", reason=error.reason, decision_id=error.decision_id)
    verdict = {"error": "denied", "reason": error.reason, "decision_id": error.decision_id}
    return JSONResponse(envelope() | verdict, status_code=403)


async def unavailable(_: Request, error: Exception) -> JSONResponse:
    """503: axon failed too often; whoever asks again after `Retry-After` seconds finds out."""
    assert isinstance(error, CircuitOpen)
    wait = str(max(1, math.ceil(error.retry_after)))
    body = envelope() | {"error": "unavailable", "message": "axon is down; try again later"}
    return JSONResponse(body, status_code=503, headers={"retry-after": wait})


async def failed(_: Request, error: Exception) -> JSONResponse:
    """502: axon was asked, and did not answer well."""
    log.error("axon failed", error=str(error))
    body = envelope() | {"error": "bad_gateway", "message": "axon did not answer"}
    return JSONResponse(body, status_code=502)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """One client for the life of the process: it holds the connections and the breakers."""
    async with ServiceClient() as client:
        app.state.client = client
        yield


fault = fault_of(os.environ.get("FAULT", ""))
app = fairway(
    Starlette(
        routes=[
            Route("/health", health),
            Route("/openapi.json", document),
            Route("/dispatch", faulty(dispatch, fault), methods=["POST"]),
        ],
        exception_handlers={
            InvalidOrder: invalid,
            Denied: denied,
            CircuitOpen: unavailable,
            CallFailed: failed,
        },
        lifespan=lifespan,
    )
)
