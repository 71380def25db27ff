"""Errors as problem documents (RFC 9457), the same for every route.

`app` installs the handlers, `guard` and `idempotency` answer with `send_problem` before FastAPI is
reached, and routes declare with `fails` what they may answer. A client reads `code`, `detail`,
`where` and `remedy` and has the error as it was raised (`statuses.error_from`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from fairway.api.statuses import STATUS_OF
from fairway.errors import FairwayError, InvalidAppFile

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:fairway:problem:"
_CODES = {404: "no-such-path", 405: "method-not-allowed", 413: "too-large"}
_DEFECT = FairwayError(
    "defect",
    "the control plane failed in a way that nobody foresaw; its log says more",
    remedy="read the log of the control plane, and please report it",
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class FileProblem(BaseModel):
    """One thing wrong in a file that the user wrote; line and column count from 1."""

    code: str
    message: str
    remedy: str
    file: str
    line: int
    column: int


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457), where, and what to do. `code` is stable, for programs."""

    type: str = Field(examples=["urn:fairway:problem:no-such-deployment"])
    title: str
    status: int
    detail: str
    instance: str
    code: str
    where: str
    remedy: str
    problems: list[FileProblem] = Field(
        default=[], description="Every problem, when it is about an app file."
    )


def fails(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The declaration of error answers, for a route's `responses`."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def status_of(error: FairwayError) -> int:
    """The HTTP status of an error: that of its class in the table."""
    return next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 500)


def problem(error: FairwayError, instance: str, status: int | None = None) -> dict[str, Any]:
    """An error as it is sent; `instance` is the path that was asked."""
    status = status or status_of(error)
    body: dict[str, Any] = {
        "type": _PREFIX + error.code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "instance": instance,
        "code": error.code,
        "where": error.where,
        "remedy": error.remedy,
    }
    if isinstance(error, InvalidAppFile):
        body["problems"] = [asdict(one) for one in error.problems]
    return body


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the API look the same."""
    methods = _Methods(app)

    @app.exception_handler(FairwayError)
    async def known(request: Request, error: FairwayError) -> Response:
        return _answer(request, error, status_of(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        words = FairwayError(
            "invalid-request", str(first["msg"]), where=place, remedy="see /api/v1/openapi.json"
        )
        return _answer(request, words, 400)

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_MODIFIED:
            return Response(status_code=304, headers=error.headers)
        code = _CODES.get(error.status_code, "http-error")
        words = FairwayError(code, str(error.detail), where=request.url.path)
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"allow": ", ".join(methods.of(request.url.path))}
        return _answer(request, words, error.status_code, headers)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, _: Exception) -> Response:
        # Starlette raises it again after this answer, so the server's log has the traceback.
        return _answer(request, _DEFECT, 500)


class _Methods:
    """Which methods a path takes: each route knows only its own, and Starlette asks the first."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def of(self, path: str) -> list[str]:
        """All of them, for the header `Allow`."""
        paths = self._app.openapi()["paths"]
        fitting = [template for template in paths if _fits(template, path)]
        nearest = min(fitting, key=lambda template: template.count("{"))
        return [method.upper() for method in paths[nearest]]


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path) is not None


async def send_problem(
    scope: Scope, send: Send, error: FairwayError, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with an error from outside FastAPI."""
    body = problem(error, quote(scope.get("path", "")))
    response = JSONResponse(body, body["status"], dict(headers or {}), MEDIA_TYPE)
    await response(scope, _nothing_more, send)


def _answer(
    request: Request, error: FairwayError, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    body = problem(error, request.url.path, status)
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


async def _nothing_more() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
