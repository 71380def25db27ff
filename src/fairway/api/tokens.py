"""The routes of tokens, for admins: issue, list, revoke. A token's text is shown exactly once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from fairway.api.asked import TokenRequest
from fairway.api.offer import OfferHere, TokensHere
from fairway.api.problems import fails
from fairway.api.roles import Admin
from fairway.control.door import NewToken, TokenSummary

router = APIRouter(prefix="/tokens", tags=["tokens"], responses=fails(503))


@router.get("")
async def list_tokens(desk: TokensHere, by: Admin) -> tuple[TokenSummary, ...]:
    """All valid tokens, without their texts."""
    return await desk.tokens()


@router.post("", status_code=201, responses=fails(409))
async def issue_token(
    asked: TokenRequest,
    desk: TokensHere,
    offer: OfferHere,
    response: Response,
    by: Admin,
) -> NewToken:
    """A new token."""
    response.headers["cache-control"] = "no-store"
    expires_at = None if asked.lifetime is None else offer.clock() + asked.lifetime
    return await desk.issue(asked.name, asked.role, by.name, expires_at)


@router.delete("/{token}", status_code=204, responses=fails(404))
async def revoke_token(
    token: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")],
    desk: TokensHere,
    by: Admin,
) -> None:
    """Make a token worthless, at once."""
    await desk.revoke(token)
