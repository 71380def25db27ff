"""Which release `rollback` means when none is named: the one before, as people understand it.

The API and the command line ask here. A rollback undoes: after it, the release that it left is not
"the one before", or rolling back twice would bring the bad release back.
"""

from __future__ import annotations

from collections.abc import Iterable

from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Delivery
from fairway.errors import Conflict

_PAGE = 100


def standing(succeeded: Iterable[int]) -> list[int]:
    """The releases that led to the present one, oldest first, without what was rolled back. Pure.

    `succeeded` are the releases of all successful deployments, oldest first: going back to one
    takes away everything that came after it.
    """
    path: list[int] = []
    for release in succeeded:
        if release in path:
            del path[path.index(release) :]
        path.append(release)
    return path


async def release_before(delivery: Delivery) -> int:
    """The release that going back without a number leads to; Conflict when there is none."""
    found = await _succeeded(delivery)
    if not found:
        raise _nothing("nothing-deployed", "nothing was deployed here yet")
    # What came before the oldest that is still known, deployments being forgotten some day.
    earlier = [found[0].base] if found[0].base else []
    path = standing([*earlier, *(each.release for each in found)])
    if len(path) < 2:
        raise _nothing("nothing-before", f"release {path[-1]} is the first")
    return path[-2]


async def _succeeded(delivery: Delivery) -> list[Deployment]:
    """Oldest first."""
    newest_first: list[Deployment] = []
    cursor: str | None = None
    while True:
        page = await delivery.deployments(status="succeeded", cursor=cursor, limit=_PAGE)
        newest_first += page.deployments
        cursor = page.cursor
        if cursor is None:
            return newest_first[::-1]


def _nothing(code: str, why: str) -> Conflict:
    return Conflict(
        code,
        f"{why}: there is nothing to go back to",
        remedy="see `fairway history`, and name a release",
    )
