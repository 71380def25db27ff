"""The plan of an environment on this machine that never ran: everything in it is new.

There is no control plane to ask then, and nothing to compare with; `fairway plan` says so.
"""

from __future__ import annotations

from fairway.delivery.port import Wish
from fairway.model.app import App
from fairway.plan.observed import Observed
from fairway.plan.plan import Plan
from fairway.plan.planner import plan
from fairway.plan.releases import digest, release_content
from fairway.targets.local.layout import StateDir


def never_ran(state: StateDir) -> bool:
    """Whether no control plane has ever served this environment here."""
    return not state.journal.exists()


def first_plan(wish: Wish, environment: str) -> Plan:
    """What the first deployment would do. Secrets and policy sets get their versions with it."""
    app = App.model_validate(wish.app)
    content = release_content(app, wish.artifacts, {}, 0, digest(wish.policies))
    return plan(content, Observed(), base=None, environment=environment, next_number=1)
