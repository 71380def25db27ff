"""Policy sets in memory: the adapter for tests and for a dry run; it passes the same conformance
suite as the one in a database (`sql_store.py`).
"""

from __future__ import annotations

import threading

from fairway.governance.sets import (
    NO_VERSION,
    Activation,
    Draft,
    PolicySet,
    Release,
    in_use,
    missing,
    stale,
)


class MemoryPolicyStore:
    """A `PolicyStore` that forgets everything with the process. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = NO_VERSION
        self._sets: dict[int, PolicySet] = {}
        self._releases: list[Release] = []
        self._active = self._previous = NO_VERSION

    def add(self, draft: Draft, expected_latest: int) -> PolicySet:
        """Keep a new version; Conflict unless `expected_latest` is the newest ever given."""
        with self._lock:
            if expected_latest != self._latest:
                raise stale("latest", expected_latest, self._latest)
            self._latest += 1
            made = PolicySet(self._latest, draft.text, draft.base, draft.by, draft.at, draft.note)
            self._sets[made.version] = made
            return made

    def get(self, version: int) -> PolicySet:
        """One version; NotFound if there is none."""
        found = self._sets.get(version)
        if found is None:
            raise missing(version)
        return found

    def all(self) -> tuple[PolicySet, ...]:
        """Every version, oldest first."""
        with self._lock:
            return tuple(self._sets.values())

    def latest(self) -> int:
        """The newest number ever given, 0 when there was none."""
        return self._latest

    def remove(self, version: int) -> None:
        """Forget a version; NotFound if there is none, Conflict if a release names it."""
        with self._lock:
            self.get(version)
            for release in self._releases:
                if release.policy_set == version:
                    raise in_use(version, release.number)
            if version == self._active:
                raise in_use(version)
            del self._sets[version]

    def active(self) -> int:
        """The version that decides now, 0 before the first activation."""
        return self._active

    def previous(self) -> int:
        """The version that was active before the present one, 0 if there was none."""
        return self._previous

    def adopt(self, activation: Activation) -> None:
        """Make a version active without a release of its own; raises like `activate`."""
        with self._lock:
            self._adopt(activation)

    def _adopt(self, activation: Activation) -> None:
        self.get(activation.version)
        if activation.expected != self._active:
            raise stale("active", activation.expected, self._active)
        self._active, self._previous = activation.version, self._active

    def activate(self, activation: Activation) -> Release:
        """Make a version active and append the release; NotFound, or Conflict when stale."""
        with self._lock:
            self._adopt(activation)
            release = Release(
                len(self._releases) + 1,
                "policies",
                activation.version,
                activation.expected,
                activation.by,
                activation.at,
                activation.note,
            )
            self._releases.append(release)
            return release

    def releases(self) -> tuple[Release, ...]:
        """The history, oldest first."""
        with self._lock:
            return tuple(self._releases)
