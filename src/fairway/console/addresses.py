"""Addresses that carry their environment, and actions that are sure of theirs.

A session remembers the environment that was looked at last. On a shared server two tabs may show
two of them, so whatever acts names its own, and is refused when that is not the one it would reach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends

from fairway.console.page import Page, PageHere
from fairway.console.views.wording import url
from fairway.errors import NotFound

Go = Callable[..., str]


def go(here: Page) -> Go:
    """`go("/deployments", cursor=…)`: an address in the environment of this page."""
    place = here.environment
    if here.has_system or place is None:
        return url
    at = f"{place.app}/{place.name}"
    return lambda path, **query: url(path, **query, at=at)


async def sure_page(here: PageHere, at: str = "") -> Page:
    """The page, whose environment is the one that its address names."""
    place = here.environment
    if at and (place is None or at != f"{place.app}/{place.name}"):
        raise NotFound(
            "no-such-environment", f"no environment '{at}' is served here", remedy="choose another"
        )
    return here


SureHere = Annotated[Page, Depends(sure_page)]
