"""Errors as JSON: `{"error": {"code", "message", "where", "remedy"}}` with a fitting status.

`app` installs `install_error_handlers`; the command line's client reads the same table backwards,
so an error keeps its type, and with it the exit code, on the way through HTTP.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from fairway.api.statuses import STATUS_OF
from fairway.errors import FairwayError, InvalidAppFile


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of the API look the same."""

    @app.exception_handler(FairwayError)
    async def known(_: Request, error: FairwayError) -> JSONResponse:
        return JSONResponse({"error": error_body(error)}, status_of(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return _answer(400, "invalid-request", str(first["msg"]), place, "see /v1/openapi.json")

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "no-such-path", 405: "method-not-allowed"}.get(error.status_code, "http-error")
        return _answer(error.status_code, code, str(error.detail), request.url.path, "")


def status_of(error: FairwayError) -> int:
    """The HTTP status of an error: that of its class in the table."""
    return next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 500)


def error_body(error: FairwayError) -> dict[str, Any]:
    """An error as it is sent, with every problem when it is about an app file."""
    body: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "remedy": error.remedy,
    }
    if isinstance(error, InvalidAppFile):
        body["problems"] = [
            {"code": p.code, "message": p.message, "where": p.where, "remedy": p.remedy}
            for p in error.problems
        ]
    return body


def _answer(status: int, code: str, message: str, where: str, remedy: str) -> JSONResponse:
    error = {"code": code, "message": message, "where": where, "remedy": remedy}
    return JSONResponse({"error": error}, status)
