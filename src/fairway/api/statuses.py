"""The one table between Fairway's errors and HTTP statuses, read by the API and by its clients.

Separate from `errors` so that the command line can use it without importing FastAPI.
"""

from __future__ import annotations

from typing import Any

from fairway.errors import (
    Conflict,
    FairwayError,
    InvalidAppFile,
    InvalidInput,
    NotFound,
    Problem,
    Refused,
    Unavailable,
)

STATUS_OF: dict[type[FairwayError], int] = {
    InvalidInput: 400,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    Refused: 403,
}


def error_from(status: int, body: dict[str, str]) -> FairwayError:
    """The error that an API answer stands for, of the type that was raised on the other side."""
    kinds: dict[int, type[FairwayError]] = {code: kind for kind, code in STATUS_OF.items()}
    return kinds.get(status, FairwayError)(
        body.get("code", f"http-{status}"),
        body.get("message", f"the control plane answered {status}"),
        where=body.get("where", ""),
        remedy=body.get("remedy", ""),
    )


def error_of_exit(exit_code: int, body: dict[str, Any]) -> FairwayError:
    """Likewise for an error that a process ended with, an invalid app file with its problems."""
    if body.get("problems"):
        return InvalidAppFile([Problem(**problem) for problem in body["problems"]])
    kinds: dict[int, type[FairwayError]] = {kind.exit_code: kind for kind in STATUS_OF}
    return kinds.get(exit_code, FairwayError)(
        body["code"], body["message"], where=body["where"], remedy=body["remedy"]
    )
