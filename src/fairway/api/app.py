"""The control plane over HTTP: `create_app(offer)` is the whole API.

`server` runs it, the tests call it in process. It holds no state and decides nothing: the door
(`guard`), the notes (`writes`), the size limit (`limits`) and the kept answers (`idempotency`)
stand before the routes, which translate requests into methods of the ports and errors into problem
documents. Importing it costs about half a second for FastAPI, so that waits until services run.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI

from fairway import __version__
from fairway.api import (
    deployments,
    environments,
    records,
    services,
    system,
    telemetry,
    tokens,
)
from fairway.api.guard import Guard
from fairway.api.idempotency import Idempotency, documented
from fairway.api.limits import BodyLimit
from fairway.api.offer import Offer, environment_named
from fairway.api.openapi import install_document, operation_id
from fairway.api.problems import Asgi, fails, install_problem_handlers
from fairway.api.writes import NotedWrites

PREFIX = "/api/v1"


def create_app(offer: Offer) -> Asgi:
    """The guarded API of what is offered."""
    app = bare_app(
        control=offer.control is not None,
        directory=offer.directory is not None,
        token_desk=offer.tokens is not None,
    )
    return guarded(app, offer)


def guarded(app: FastAPI, offer: Offer) -> Asgi:
    """The routes with ports to ask, and everything that stands before them."""
    app.state.offer = offer
    limited = BodyLimit(Idempotency(app, offer.answers))
    noted = NotedWrites(limited, offer.trail, offer.clock)
    return Guard(noted, offer.door, offer.hosts, offer.clock)


def bare_app(*, control: bool = True, directory: bool = True, token_desk: bool = True) -> FastAPI:
    """The routes alone, without a door: what the OpenAPI document is made from."""
    app = FastAPI(
        title="Fairway control plane",
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        dependencies=[Depends(documented)],
    )
    install_problem_handlers(app)
    for router in _routers(control, directory, token_desk):
        app.include_router(router, prefix=PREFIX)
    install_document(app)
    return app


def _routers(control: bool, directory: bool, token_desk: bool) -> list[APIRouter]:
    chosen = [system.ping_router]
    if control:
        chosen += [system.router, services.router, telemetry.router]
        chosen += [records.router, records.history]
    if directory:
        chosen += [
            environments.apps,
            environments.router,
            deployments.router,
            _environment_records(),
        ]
    if token_desk:
        chosen.append(tokens.router)
    return chosen


def _environment_records() -> APIRouter:
    named = [Depends(environment_named)]
    router = APIRouter(prefix=environments.ENVIRONMENT, dependencies=named, responses=fails(404))
    router.include_router(records.router)
    return router
