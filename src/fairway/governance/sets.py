"""Versions of an environment's policies: values, differences and the rules of changing them.

The control plane and the command line use `PolicySets`; where versions are kept is behind the
`PolicyStore` port (`store.py`). A version never changes once it exists: an update makes a new one.
Every change names the version that its author last saw, and is refused when that is stale. An
activation appends a release that changes only policies, so an environment has one history; rolling
back is activating an earlier version, and so a release too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from fairway.errors import Conflict, InvalidAppFile, NotFound
from fairway.governance.cedar_text import Source, split_policies, with_ids
from fairway.model.places import Findings
from fairway_runtime.policy.audit import Entry

NO_VERSION = 0
"""Stands for "nothing yet": the latest version of an empty store, the active one before any."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy set before it has a version. `base` is the version it was made from, or 0."""

    text: str
    base: int
    by: str
    at: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class PolicySet:
    """One immutable version of all policies. `at` is in Unix seconds."""

    version: int
    text: str
    base: int
    by: str
    at: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Activation:
    """A wish to make a version the active one; `expected` is the one believed active now."""

    version: int
    expected: int
    by: str
    at: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """One entry of the environment's history, numbered from 1 without gaps.

    `kind` says what it changed: `policies` (an activation) or `app` (a deployment). `digest` is
    that of an app release's content, else empty; `base` is the app release that was in force when
    this one was made, or 0.
    """

    number: int
    kind: Literal["policies", "app"]
    policy_set: int
    previous: int
    by: str
    at: float
    note: str = ""
    digest: str = ""
    base: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two versions, by policy id; texts as `(before, after)`."""

    added: dict[str, str]
    removed: dict[str, str]
    changed: dict[str, tuple[str, str]]


class PolicyStore(Protocol):
    """Keeps versions and releases. Every method is atomic, also between processes."""

    def add(self, draft: Draft, expected_latest: int) -> PolicySet:
        """Keep a new version; Conflict unless `expected_latest` is the newest ever given."""

    def get(self, version: int) -> PolicySet:
        """One version; NotFound if there is none."""

    def all(self) -> tuple[PolicySet, ...]:
        """Every version, oldest first."""

    def latest(self) -> int:
        """The newest number ever given, also when deleted since; 0 when there was none."""

    def remove(self, version: int) -> None:
        """Forget a version; NotFound if there is none, Conflict if a release names it."""

    def active(self) -> int:
        """The version that decides now, 0 before the first activation."""

    def activate(self, activation: Activation) -> Release:
        """Make a version active and append the release; NotFound, or Conflict when stale."""

    def adopt(self, activation: Activation) -> None:
        """Make a version active without a release of its own; raises like `activate`."""

    def previous(self) -> int:
        """The version that was active before the present one, 0 if there was none."""

    def releases(self) -> tuple[Release, ...]:
        """The history, oldest first."""


class PolicySets:
    """What people do with policy sets. Changes are validated, audited and fenced."""

    def __init__(
        self,
        store: PolicyStore,
        *,
        validate: Callable[[Source], Findings],
        clock: Callable[[], float],
        record: Callable[[Entry], None],
    ) -> None:
        self._store = store
        self._validate = validate
        self._clock = clock
        self._record = record

    def create(
        self, text: str, *, by: str, expected: int, base: int = NO_VERSION, note: str = ""
    ) -> PolicySet:
        """A new version; `expected` is the latest version that the author saw (0: none).

        Raises InvalidAppFile with every problem of the text, Conflict when `expected` is stale.
        """
        source = Source("policies.cedar", text)
        self._check(source)
        draft = Draft(with_ids(source), base, by, self._clock(), note)
        made = self._store.add(draft, expected)
        self._note(made.version, f"{by} created policy set {made.version} from {base or 'nothing'}")
        return made

    def update(
        self, version: int, text: str, *, by: str, expected: int, note: str = ""
    ) -> PolicySet:
        """A new version made from `version`, which stays as it is; raises like `create`."""
        self._store.get(version)
        return self.create(text, by=by, expected=expected, base=version, note=note)

    def read(self, version: int) -> PolicySet:
        """One version; raises NotFound."""
        return self._store.get(version)

    def all(self) -> tuple[PolicySet, ...]:
        """Every version, oldest first."""
        return self._store.all()

    def latest(self) -> int:
        """What to pass as `expected` to `create` and `update`."""
        return self._store.latest()

    def delete(self, version: int, *, by: str) -> None:
        """Forget a version that was never active; raises NotFound, or Conflict when it was."""
        self._store.remove(version)
        self._note(version, f"{by} deleted policy set {version}")

    def active(self) -> int:
        """The version that decides now; what to pass as `expected` to `activate`."""
        return self._store.active()

    def activate(self, version: int, *, by: str, expected: int, note: str = "") -> Release:
        """Let `version` decide from now on; `expected` is the version believed active.

        Raises NotFound, Conflict when stale, and InvalidAppFile when the version does not fit the
        app as it is now (a service may have lost the library since).
        """
        self._check(Source(f"policy set {version}", self._store.get(version).text))
        release = self._store.activate(Activation(version, expected, by, self._clock(), note))
        self._note(
            version,
            f"{by} activated policy set {version} in place of {release.previous or 'none'} "
            f"(release {release.number})",
        )
        return release

    def adopt(self, version: int, *, by: str, expected: int, note: str = "") -> None:
        """Let `version` decide as a part of something else: a release, or an edited working tree.

        Raises like `activate`.
        """
        self._check(Source(f"policy set {version}", self._store.get(version).text))
        self._store.adopt(Activation(version, expected, by, self._clock(), note))
        self._note(version, f"policy set {version} decides in place of {expected or 'none'}: {by}")

    def roll_back(self, *, by: str, expected: int, to: int | None = None) -> Release:
        """Activate an earlier version: `to`, else the one that was active before this one."""
        target = to if to is not None else self._before(expected)
        return self.activate(target, by=by, expected=expected, note=f"rolled back from {expected}")

    def releases(self) -> tuple[Release, ...]:
        """The history, oldest first."""
        return self._store.releases()

    def diff(self, before: int, after: int) -> Difference:
        """What changed between two versions; raises NotFound."""
        return difference(self._store.get(before).text, self._store.get(after).text)

    def _before(self, active: int) -> int:
        activations = [each for each in self._store.releases() if each.kind == "policies"]
        for release in reversed(activations):
            if release.policy_set == active and release.previous not in (NO_VERSION, active):
                return release.previous
        if active == self._store.active() and self._store.previous() not in (NO_VERSION, active):
            return self._store.previous()
        raise NotFound(
            "no-earlier-policy-set",
            f"no policy set was active before {active or 'now'}",
            remedy="name the version to go back to",
        )

    def _check(self, source: Source) -> None:
        findings = self._validate(source)
        if findings.problems:
            raise InvalidAppFile(findings.problems)

    def _note(self, version: int, reason: str) -> None:
        self._record(Entry("policy-change", reason=reason, policy_set=version))


def difference(before: str, after: str) -> Difference:
    """Per policy id: what was added, removed, changed. Layout and comments around do not count."""
    old, new = _by_id(before), _by_id(after)
    return Difference(
        added={name: text for name, text in new.items() if name not in old},
        removed={name: text for name, text in old.items() if name not in new},
        changed={
            name: (old[name], text)
            for name, text in new.items()
            if name in old and old[name] != text
        },
    )


def stale(what: str, expected: int, actual: int) -> Conflict:
    """The refusal of a write by someone who has not seen the newest state."""
    return Conflict(
        "stale-policy-set",
        f"the {what} policy set is {actual or 'none'}, not {expected or 'none'}",
        remedy="look at what changed in between, then try again",
    )


def missing(version: int) -> NotFound:
    """There is no such version."""
    return NotFound(
        "no-such-policy-set",
        f"there is no policy set {version}",
        remedy="list them: fairway policy list",
    )


def in_use(version: int, release: int | None = None) -> Conflict:
    """A version that history needs, or that decides now, cannot be deleted."""
    why = "decides now" if release is None else f"is part of release {release}"
    return Conflict(
        "policy-set-in-use",
        f"policy set {version} {why} and cannot be deleted",
        remedy="only a version that was never activated can be deleted",
    )


def _by_id(text: str) -> dict[str, str]:
    return {policy.id: policy.text for policy in split_policies(Source("policies.cedar", text))}
