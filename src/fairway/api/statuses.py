"""The one table between Fairway's errors and HTTP statuses, read by the API and by its clients.

Separate from `problems` so that the command line can use it without importing FastAPI. The errors
that only HTTP knows are here as well; on the other side they keep the exit code of their parent.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class Unauthenticated(Refused):
    """No token, or one that nobody has."""


class PreconditionFailed(Conflict):
    """What `If-Match` names is not what is there any more."""


class TooLarge(InvalidInput):
    """More bytes than are taken."""


class KeyReused(InvalidInput):
    """An idempotency key came with another request than its first one."""


class TooManyRequests(Unavailable):
    """Too many wrong tokens from one address; worth a retry after a while."""


STATUS_OF: dict[type[FairwayError], int] = {
    Unauthenticated: 401,
    PreconditionFailed: 412,
    TooLarge: 413,
    KeyReused: 422,
    TooManyRequests: 429,
    InvalidInput: 400,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    Refused: 403,
}
"""The most special classes first: the first that an error is an instance of counts."""


def error_from(status: int, body: Mapping[str, Any]) -> FairwayError:
    """The error that a problem document stands for, of the type raised on the other side."""
    if body.get("problems"):
        return InvalidAppFile([Problem(**problem) for problem in body["problems"]])
    kinds: dict[int, type[FairwayError]] = {code: kind for kind, code in STATUS_OF.items()}
    return kinds.get(status, FairwayError)(
        body.get("code") or f"http-{status}",
        body.get("detail") or f"the control plane answered {status}",
        where=body.get("where", ""),
        remedy=body.get("remedy", ""),
    )


def error_of_exit(exit_code: int, body: Mapping[str, Any]) -> FairwayError:
    """Likewise for an error that a process ended with, an invalid app file with its problems."""
    if body.get("problems"):
        return InvalidAppFile([Problem(**problem) for problem in body["problems"]])
    kinds: dict[int, type[FairwayError]] = {kind.exit_code: kind for kind in STATUS_OF}
    return kinds.get(exit_code, FairwayError)(
        body["code"], body["message"], where=body["where"], remedy=body["remedy"]
    )
