"""Which deployment is meant when none is named."""

from __future__ import annotations

from fairway.delivery.deployment import Deployment
from fairway.delivery.port import Delivery
from fairway.errors import NotFound

_ENOUGH = 50


async def under_way(
    delivery: Delivery, named: str = "", *, for_approval: bool = False
) -> Deployment:
    """The named deployment, or the one that is under way (`for_approval`: that waits for it).

    Of several, of which all but one wait in the queue, the oldest. Raises NotFound.
    """
    if named:
        return await delivery.deployment(named)
    page = await delivery.deployments(limit=_ENOUGH)
    found = [each for each in page.deployments if not each.over]
    if for_approval:
        found = [each for each in found if each.status == "awaiting_approval"]
    if found:
        return found[-1]
    what = "waits for approval" if for_approval else "is under way"
    raise NotFound(
        "nothing-under-way",
        f"no deployment {what} here",
        remedy="see `fairway deployments`, and name one",
    )


async def to_follow(delivery: Delivery, named: str = "") -> Deployment:
    """The named deployment, the one under way, or else the last one. Raises NotFound."""
    if named:
        return await delivery.deployment(named)
    page = await delivery.deployments(limit=_ENOUGH)
    going_on = [each for each in page.deployments if not each.over]
    for found in (*going_on[-1:], *page.deployments):
        return found
    raise NotFound(
        "nothing-deployed", "nothing was deployed here yet", remedy="begin with `fairway deploy`"
    )
