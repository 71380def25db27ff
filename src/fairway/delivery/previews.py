"""What a plan does below the services: asked of the target, and remembered until it is deployed.

`service.py` has one per environment. A target may take a minute to tell (it plans with Terraform),
so that a deployment of a plan that was shown is not planned there once more: it keeps what was
shown.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from fairway.plan.plan import Plan
from fairway.plan.preview import NOTHING, Preview
from fairway.plan.release import Release, ReleaseContent
from fairway.targets.contract import Target, Wanted

_REMEMBERED = 8
"""So many plans are remembered: those that somebody may be looking at."""


class Previews:
    """The previews of one environment's plans."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: OrderedDict[tuple[str, str], Preview] = OrderedDict()

    async def added(self, found: Plan, content: ReleaseContent, number: int) -> Plan:
        """The plan with what it does below the services; nothing is asked for an empty one."""
        if found.empty:
            return found
        release = Release(number, found.release_digest, content, by="", at=0.0)
        wanted = [
            Wanted(move.service, move.after, move.replicas) for move in found.moves if move.after
        ]
        preview = await self._target.preview(release, wanted)
        self._remember(found, preview)
        return replace(found, preview=preview)

    def remembered(self, found: Plan) -> Plan:
        """The plan with what was shown of it, if it was."""
        return replace(found, preview=self._known.get(_key(found), NOTHING))

    def _remember(self, found: Plan, preview: Preview) -> None:
        self._known[_key(found)] = preview
        self._known.move_to_end(_key(found))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _key(found: Plan) -> tuple[str, str]:
    return found.fingerprint, found.release_digest
