"""The policy sets of an environment, as the delivery asks for them: kept by text, not by number.

A release names the version that it was made for. Policies that come with an app are kept without
deciding anything; that is a step of the deployment, carried out by the target.
"""

from __future__ import annotations

from collections.abc import Callable

from fairway.errors import InvalidAppFile, InvalidInput
from fairway.governance.cedar_text import Source, combine
from fairway.governance.files import policies_text
from fairway.governance.sets import Draft, PolicyStore
from fairway.governance.validation import validate
from fairway.model.app import App

_FILE = "policies.cedar"


class EnvironmentPolicies:
    """A `PolicyDesk` on a policy store."""

    def __init__(self, store: PolicyStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def prepared(self, app: App, text: str | None) -> str:
        """The app's own policies as they are kept; None: those that follow from its calls."""
        if text is None and app.policies is not None:
            raise InvalidInput(
                "policies-missing",
                f"the app has policies in {app.policies}, and they were not sent",
                where="policies",
                remedy="send their text with the app",
            )
        source = Source(_FILE, policies_text(app, None) if text is None else text)
        findings = validate(app, [source])
        if findings.problems:
            raise InvalidAppFile(findings.problems)
        return combine([source])

    def version_of(self, text: str) -> int:
        """The newest version with this text, or the number that it would get."""
        return self._known(text) or self._store.latest() + 1

    def keep(self, text: str, by: str) -> int:
        """The version of this text, kept if it is new."""
        known = self._known(text)
        if known is not None:
            return known
        latest = self._store.latest()
        return self._store.add(
            Draft(text, latest, by, self._clock(), "came with a release"), latest
        ).version

    def text(self, version: int) -> str:
        """The text of a version; NotFound."""
        return self._store.get(version).text

    def _known(self, text: str) -> int | None:
        versions = (each.version for each in self._store.all() if each.text == text)
        return max(versions, default=None)
