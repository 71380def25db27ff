"""One way to policies, releases, audit and secrets, whether or not a control plane runs.

`secrets` and `policy` open it: through the API when a control plane runs (so that running services
hear of a change), else directly on the files. Both answer with the same frozen data.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from fairway.api.control import (
    Activation,
    AuditEntry,
    AuditQuery,
    ChainReport,
    PolicySetDiff,
    PolicySetDocument,
    PolicySetSummary,
    Records,
    SecretStatus,
)
from fairway.cli.client import ControlClient, segment
from fairway.cli.invocation import Invocation
from fairway.cli.place import reach, state_of, workspace_of

T = TypeVar("T")


class Desk(Protocol):
    """The blocking twin of `Records`, with only what commands use. `author` is the user."""

    def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """All versions, the newest first."""
        ...

    def policy_set(self, version: int) -> PolicySetDocument:
        """One version with its text."""
        ...

    def create_policy_set(
        self, policies: str, description: str, expected: int | None
    ) -> PolicySetSummary:
        """Store a new version."""
        ...

    def update_policy_set(self, version: int, description: str) -> PolicySetSummary:
        """Change a version's description."""
        ...

    def delete_policy_set(self, version: int) -> None:
        """Forget a version."""
        ...

    def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """What would change."""
        ...

    def activate_policy_set(self, version: int, expected: int | None) -> Activation:
        """Make a version decide."""
        ...

    def roll_back_policies(self, to: int | None) -> Activation:
        """Activate an earlier version."""
        ...

    def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """Matching entries, the oldest first."""
        ...

    def verify_audit(self) -> tuple[ChainReport, ...]:
        """Check every chain."""
        ...

    def secrets(self) -> tuple[SecretStatus, ...]:
        """All declared secrets."""
        ...

    def set_secret(self, name: str, value: str) -> SecretStatus:
        """Store a value."""
        ...

    def rotate_secret(self, name: str) -> SecretStatus:
        """Store a random value."""
        ...

    def rotate_signing_keys(self, identity: str | None) -> tuple[str, ...]:
        """New signing keys."""
        ...


@contextmanager
def open_desk(invocation: Invocation) -> Iterator[Desk]:
    """The desk of this app: the running control plane's, or the files'."""
    client = reach(state_of(invocation))
    if client is not None:
        yield RemoteDesk(client, user())
        return
    from fairway import wiring

    records = wiring.open_records(workspace_of(invocation), invocation.environment)
    with asyncio.Runner() as runner:
        yield LocalDesk(records, runner, user())


def user() -> str:
    """Who is at the keyboard, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "unknown"


class LocalDesk:
    """`Records` on the files, awaited one by one."""

    def __init__(self, records: Records, runner: asyncio.Runner, author: str) -> None:
        self._records = records
        self._runner = runner
        self._author = author

    def _do(self, asked: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asked)

    def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """See `Desk`."""
        return self._do(self._records.policy_sets())

    def policy_set(self, version: int) -> PolicySetDocument:
        """See `Desk`."""
        return self._do(self._records.policy_set(version))

    def create_policy_set(
        self, policies: str, description: str, expected: int | None
    ) -> PolicySetSummary:
        """See `Desk`."""
        asked = self._records.create_policy_set(
            policies, author=self._author, description=description, expected=expected
        )
        return self._do(asked)

    def update_policy_set(self, version: int, description: str) -> PolicySetSummary:
        """See `Desk`."""
        return self._do(self._records.update_policy_set(version, description=description))

    def delete_policy_set(self, version: int) -> None:
        """See `Desk`."""
        self._do(self._records.delete_policy_set(version))

    def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """See `Desk`."""
        return self._do(self._records.diff_policy_sets(before, after))

    def activate_policy_set(self, version: int, expected: int | None) -> Activation:
        """See `Desk`."""
        asked = self._records.activate_policy_set(version, author=self._author, expected=expected)
        return self._do(asked)

    def roll_back_policies(self, to: int | None) -> Activation:
        """See `Desk`."""
        return self._do(self._records.roll_back_policies(author=self._author, to=to))

    def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """See `Desk`."""
        return self._do(self._records.audit(query))

    def verify_audit(self) -> tuple[ChainReport, ...]:
        """See `Desk`."""
        return self._do(self._records.verify_audit())

    def secrets(self) -> tuple[SecretStatus, ...]:
        """See `Desk`."""
        return self._do(self._records.secrets())

    def set_secret(self, name: str, value: str) -> SecretStatus:
        """See `Desk`."""
        return self._do(self._records.set_secret(name, value))

    def rotate_secret(self, name: str) -> SecretStatus:
        """See `Desk`."""
        return self._do(self._records.rotate_secret(name))

    def rotate_signing_keys(self, identity: str | None) -> tuple[str, ...]:
        """See `Desk`."""
        return self._do(self._records.rotate_signing_keys(identity))


class RemoteDesk:
    """The same through the API."""

    def __init__(self, client: ControlClient, author: str) -> None:
        self._client = client
        self._author = author

    def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """See `Desk`."""
        return tuple(PolicySetSummary(**one) for one in self._client.get("/v1/policy-sets"))

    def policy_set(self, version: int) -> PolicySetDocument:
        """See `Desk`."""
        found = self._client.get(f"/v1/policy-sets/{version}")
        return PolicySetDocument(PolicySetSummary(**found["summary"]), found["policies"])

    def create_policy_set(
        self, policies: str, description: str, expected: int | None
    ) -> PolicySetSummary:
        """See `Desk`."""
        body = {"policies": policies, "description": description, "expected": expected}
        return PolicySetSummary(**self._client.post("/v1/policy-sets", self._signed(body)))

    def update_policy_set(self, version: int, description: str) -> PolicySetSummary:
        """See `Desk`."""
        body = self._signed({"description": description})
        return PolicySetSummary(**self._client.put(f"/v1/policy-sets/{version}", body))

    def delete_policy_set(self, version: int) -> None:
        """See `Desk`."""
        self._client.delete(f"/v1/policy-sets/{version}")

    def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """See `Desk`."""
        return PolicySetDiff(**_tuples(self._client.get(f"/v1/policy-sets/{before}/diff/{after}")))

    def activate_policy_set(self, version: int, expected: int | None) -> Activation:
        """See `Desk`."""
        body = self._signed({"expected": expected})
        return Activation(**self._client.post(f"/v1/policy-sets/{version}/activate", body))

    def roll_back_policies(self, to: int | None) -> Activation:
        """See `Desk`."""
        return Activation(**self._client.post("/v1/policy-sets/rollback", self._signed({"to": to})))

    def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """See `Desk`."""
        found = self._client.get("/v1/audit", **asdict(query))["entries"]
        return tuple(AuditEntry(**_tuples(entry)) for entry in found)

    def verify_audit(self) -> tuple[ChainReport, ...]:
        """See `Desk`."""
        found = self._client.get("/v1/audit", verify=True, limit=1)["chains"]
        return tuple(ChainReport(**chain) for chain in found)

    def secrets(self) -> tuple[SecretStatus, ...]:
        """See `Desk`."""
        return tuple(SecretStatus(**_tuples(one)) for one in self._client.get("/v1/secrets"))

    def set_secret(self, name: str, value: str) -> SecretStatus:
        """See `Desk`."""
        found = self._client.put(f"/v1/secrets/{segment(name)}", {"value": value})
        return SecretStatus(**_tuples(found))

    def rotate_secret(self, name: str) -> SecretStatus:
        """See `Desk`."""
        found = self._client.post(f"/v1/secrets/{segment(name)}/rotate")
        return SecretStatus(**_tuples(found))

    def rotate_signing_keys(self, identity: str | None) -> tuple[str, ...]:
        """See `Desk`."""
        query = f"?identity={segment(identity)}" if identity else ""
        return tuple(self._client.post(f"/v1/signing-keys/rotate{query}"))

    def _signed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "author": self._author}


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has lists where our data has tuples."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in found.items()}
