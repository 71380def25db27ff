"""Entity tags: what has not changed is not sent again, and nobody writes over what they never saw.

A tag is the digest of the answer's content, so it is the same on every control plane of an
environment and after a restart. `If-None-Match` answers 304, `If-Match` on a write 412; a header
that holds no tag matches nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import Header, Response
from starlette.exceptions import HTTPException

from fairway.api.statuses import PreconditionFailed

T = TypeVar("T")
IfNoneMatch = Annotated[
    str | None,
    Header(description="Answer 304 when the tag is still this."),
]
IfMatch = Annotated[
    str | None,
    Header(description="Answer 412 unless the tag is still this."),
]
ETAG_HEADER: dict[str, Any] = {
    "ETag": {"description": "Changes whenever the content does.", "schema": {"type": "string"}}
}


def tag_of(value: Any) -> str:
    """The entity tag of a frozen dataclass."""
    text = json.dumps(asdict(value), sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def tagged(value: T, response: Response, if_none_match: str | None = None) -> T:
    """The value with its tag in the answer's headers; a 304 when the caller has it already."""
    tag = tag_of(value)
    if if_none_match is not None and _names(if_none_match, tag):
        raise HTTPException(304, headers={"etag": tag})
    response.headers["etag"] = tag
    return value


def check_match(value: Any, if_match: str | None) -> None:
    """PreconditionFailed when the caller's tag is not that of what is there now."""
    if if_match is not None and not _names(if_match, tag_of(value)):
        raise PreconditionFailed(
            "changed-meanwhile",
            "it has changed since you looked at it",
            where="header.if-match",
            remedy="look at it again, then decide again",
        )


def _names(header: str, tag: str) -> bool:
    """Whether a list of tags has this one: ours are strong, so a weak one is compared as such."""
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return header.strip() == "*" or tag in given
