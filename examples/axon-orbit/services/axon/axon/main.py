"""axon over HTTP: `POST /reason` and `POST /retrain`, with `GET /health` for whoever watches.

Run by `uvicorn axon.main:app`. The handlers know nothing of signatures, identities or policies:
`fairway(...)` on the last line verifies who calls, decides whether they may, logs, measures and
traces, and without Fairway it simply serves.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from axon.document import DOCUMENT
from axon.reasoning import InvalidPrompt, Model, ModelKey, prompt_of
from fairway_runtime import Secrets, current_request, fairway, get_logger

log = get_logger(__name__)


async def health(request: Request) -> JSONResponse:
    """Alive, and able to think: the model has its key."""
    model: Model = request.app.state.model
    return JSONResponse({"status": "ok", "service": "axon", "key_id": model.key.key_id})


async def document(_: Request) -> JSONResponse:
    """What one may ask, for the API explorer."""
    return JSONResponse(DOCUMENT)


async def reason(request: Request) -> JSONResponse:
    """Answer a prompt with a heartbeat that carries the conclusion."""
    model: Model = request.app.state.model
    conclusion = model.reason(prompt_of(await _json(request)))
    log.info("reasoned", subject=conclusion.subject, words=conclusion.words)
    return JSONResponse(heartbeat() | {"result": asdict(conclusion)})


async def retrain(request: Request) -> JSONResponse:
    """Start a new generation of the model."""
    model: Model = request.app.state.model
    generation = model.retrain()
    log.warning("retrained", generation=generation)
    return JSONResponse(heartbeat() | {"generation": generation})


def heartbeat() -> dict[str, str]:
    """Who answers, in which release, and to which request."""
    now = current_request()
    return {
        "status": "alive",
        "service": "axon",
        "release": now.release,
        "correlation_id": now.correlation_id,
    }


async def _json(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise InvalidPrompt("the body is not JSON") from error


async def refuse(_: Request, error: Exception) -> JSONResponse:
    """The caller's mistake, in words that help to mend it."""
    return JSONResponse({"error": "invalid_prompt", "message": str(error)}, status_code=422)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Load the model key before the first request, and again whenever it is rotated."""
    secrets = Secrets.from_environment()
    app.state.model = Model(_model_key(secrets))

    def rekey(*_: object) -> None:
        app.state.model.key = _model_key(secrets)
        log.info("model key rotated", key_id=app.state.model.key.key_id)

    secrets.on_change("AXON_MODEL_KEY", rekey)
    yield


def _model_key(secrets: Secrets) -> ModelKey:
    return ModelKey(secrets["AXON_MODEL_KEY"].reveal().encode())


app = fairway(
    Starlette(
        routes=[
            Route("/health", health),
            Route("/openapi.json", document),
            Route("/reason", reason, methods=["POST"]),
            Route("/retrain", retrain, methods=["POST"]),
        ],
        exception_handlers={InvalidPrompt: refuse},
        lifespan=lifespan,
    )
)
