"""The text of a policy set as it decides for an app, out of the environment's database.

Targets that hand policies to services ask for it, for the union of the apps in force: policies that
follow from the calls of one of them follow from those of both, else what only the other may do
would be denied while both run.
"""

from __future__ import annotations

from fairway.delivery.store.delivery_store import DeliveryStore
from fairway.governance.cedar_text import Source, combine
from fairway.governance.files import policies_text
from fairway.governance.sets import PolicyStore
from fairway.model.app import App

_LOOKED_AT = 20
"""The newest releases: the sets that decide were made for one of them."""


class DecidingPolicies:
    """The policy sets of one environment. Methods block."""

    def __init__(self, sets: PolicyStore, store: DeliveryStore) -> None:
        self._sets = sets
        self._store = store

    def text(self, app: App, version: int) -> str:
        """The text of a set for `app`; nothing is permitted by set 0. NotFound."""
        if version == 0:
            return ""
        text = self._sets.get(version).text
        return _derived(app) if self._was_derived(version, text) else text

    def _was_derived(self, version: int, text: str) -> bool:
        """Whether it says just what the calls of a release say that has it."""
        releases = self._store.releases.list(before=None, limit=_LOOKED_AT)
        apps = [each.content.app for each in releases if each.content.policy_set == version]
        return any(
            text == _derived(App.model_validate(app)) for app in apps if not app.get("policies")
        )


def _derived(app: App) -> str:
    """As the declared calls permit, in the form in which sets are kept."""
    declared = app.model_copy(update={"policies": None})
    return combine([Source("policies.cedar", policies_text(declared, None))])
