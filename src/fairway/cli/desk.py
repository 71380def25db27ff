"""One way to policies, releases, audit and secrets, whether or not a control plane runs.

`secrets` and `policy` use `ask`: through the API of the server that keeps the environment, of the
control plane of this machine when one runs (so that running services hear of a change), else
directly on the files. All are `Records`.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from fairway.cli.client import ControlClient, segment
from fairway.cli.delivering.servers import client_of, server_of, user_variables
from fairway.cli.invocation import DEFAULT_ENVIRONMENT, Invocation
from fairway.cli.place import reach, state_of, workspace_of
from fairway.control.policy_findings import (
    CallerAnswer,
    ChangedDecision,
    PolicyCase,
    PolicyNames,
    PolicyProblem,
    PolicyTestReport,
    Simulation,
)
from fairway.control.port import Records
from fairway.control.recorded import (
    Activation,
    Answer,
    AuditEntry,
    AuditQuery,
    ChainReport,
    PolicySetDiff,
    PolicySetDocument,
    PolicySetSummary,
    Question,
    ReleaseRecord,
    SecretStatus,
)

T = TypeVar("T")
_API = "/api/v1"


def ask(invocation: Invocation, question: Callable[[Records], Coroutine[Any, Any, T]]) -> T:
    """The answer to one question, such as `lambda records: records.secrets()`."""
    with _records(invocation) as records:
        return asyncio.run(question(records))


@contextmanager
def _records(invocation: Invocation) -> Iterator[Records]:
    """The records of this app: a server's, the running control plane's, or the files'."""
    shared = _shared(invocation)
    if shared is not None:
        yield shared
        return
    client = reach(state_of(invocation))
    if client is not None:
        yield RemoteRecords(client)
        return
    from fairway import wiring

    records = wiring.open_records(workspace_of(invocation), invocation.environment)
    try:
        yield records
    finally:
        records.close()


def _shared(invocation: Invocation) -> RemoteRecords | None:
    """Those of the server that keeps the environment; None for one that is kept beside the app."""
    environment = invocation.environment
    if environment == DEFAULT_ENVIRONMENT:
        return None
    workspace = workspace_of(invocation)
    url = server_of(workspace, environment, user_variables())
    if url is None:
        return None
    path = f"{_API}/apps/{segment(workspace.loaded.app.app)}/environments/{segment(environment)}"
    return RemoteRecords(client_of(url, user_variables()), path)


def user() -> str:
    """Who is at the keyboard, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "unknown"


class RemoteRecords:
    """`Records` through the API, below `base`. Blocks: nothing else runs in a command."""

    def __init__(self, client: ControlClient, base: str = _API) -> None:
        self._client = client
        self._base = base

    async def decide(self, question: Question) -> Answer:
        """See `Records`."""
        asked = asdict(question)
        principal = {"kind": asked.pop("kind"), "name": asked.pop("name")}
        return Answer(
            **_tuples(self._client.post(f"{self._base}/decide", asked | {"principal": principal}))
        )

    async def policy_sets(self) -> tuple[PolicySetSummary, ...]:
        """See `Records`."""
        return tuple(
            PolicySetSummary(**one) for one in self._client.get(f"{self._base}/policy-sets")
        )

    async def policy_set(self, version: int) -> PolicySetDocument:
        """See `Records`."""
        found = self._client.get(f"{self._base}/policy-sets/{version}")
        return PolicySetDocument(PolicySetSummary(**found["summary"]), found["policies"])

    async def check_policies(self, policies: str) -> tuple[PolicyProblem, ...]:
        """See `Records`."""
        found = self._client.post(f"{self._base}/policies/check", {"policies": policies})
        return tuple(PolicyProblem(**each) for each in found)

    async def test_policies(self, policies: str | None = None) -> PolicyTestReport:
        """See `Records`."""
        found = self._client.post(f"{self._base}/policies/test", {"policies": policies})
        return PolicyTestReport(
            found["passed"],
            tuple(PolicyCase(**_tuples(case)) for case in found["cases"]),
            tuple(PolicyProblem(**each) for each in found["problems"]),
            tuple(found["uncovered"]),
        )

    async def policy_names(self) -> PolicyNames:
        """See `Records`."""
        found = self._client.get(f"{self._base}/policies/names")
        return PolicyNames(
            _tuples(found["services"]), tuple(found["clients"]), found["keys"], found["context"]
        )

    async def simulate(
        self,
        service: str,
        intent: str,
        context: Mapping[str, Any] | None = None,
        policies: str | None = None,
    ) -> Simulation:
        """See `Records`."""
        asked = {"service": service, "intent": intent, "context": context or {}}
        found = self._client.post(f"{self._base}/policies/simulate", asked | {"policies": policies})
        answers = tuple(CallerAnswer(**_tuples(each)) for each in found.pop("answers"))
        return Simulation(**found, answers=answers)

    async def policy_effect(self, policies: str) -> tuple[ChangedDecision, ...]:
        """See `Records`."""
        found = self._client.post(f"{self._base}/policies/effect", {"policies": policies})
        return tuple(ChangedDecision(**each) for each in found)

    async def create_policy_set(
        self, policies: str, *, author: str, description: str = "", expected: int | None = None
    ) -> PolicySetSummary:
        """See `Records`."""
        texts = {"policies": policies, "author": author, "description": description}
        return PolicySetSummary(
            **self._client.post(f"{self._base}/policy-sets", texts | {"expected": expected})
        )

    async def update_policy_set(
        self,
        version: int,
        policies: str,
        *,
        author: str,
        description: str = "",
        expected: int | None = None,
    ) -> PolicySetSummary:
        """See `Records`."""
        texts = {"policies": policies, "author": author, "description": description}
        path = f"{self._base}/policy-sets/{version}"
        return PolicySetSummary(**self._client.put(path, texts | {"expected": expected}))

    async def delete_policy_set(self, version: int, *, author: str) -> None:
        """See `Records`."""
        self._client.delete(f"{self._base}/policy-sets/{version}?author={segment(author)}")

    async def diff_policy_sets(self, before: int, after: int) -> PolicySetDiff:
        """See `Records`."""
        return PolicySetDiff(
            **_tuples(self._client.get(f"{self._base}/policy-sets/{before}/diff/{after}"))
        )

    async def activate_policy_set(
        self, version: int, *, author: str, expected: int | None = None
    ) -> Activation:
        """See `Records`."""
        body = {"author": author, "expected": expected}
        return Activation(**self._client.post(f"{self._base}/policy-sets/{version}/activate", body))

    async def roll_back_policies(self, *, author: str, to: int | None = None) -> Activation:
        """See `Records`."""
        body = {"author": author, "to": to}
        return Activation(**self._client.post(f"{self._base}/policy-sets/rollback", body))

    async def releases(self) -> tuple[ReleaseRecord, ...]:
        """See `Records`."""
        return tuple(ReleaseRecord(**one) for one in self._client.get(f"{self._base}/releases"))

    async def audit(self, query: AuditQuery) -> tuple[AuditEntry, ...]:
        """See `Records`."""
        found = self._client.get(f"{self._base}/audit", **asdict(query))["entries"]
        return tuple(AuditEntry(**_tuples(entry)) for entry in found)

    async def verify_audit(self) -> tuple[ChainReport, ...]:
        """See `Records`."""
        found = self._client.get(f"{self._base}/audit", verify=True, limit=1)["chains"]
        return tuple(ChainReport(**chain) for chain in found)

    async def secrets(self) -> tuple[SecretStatus, ...]:
        """See `Records`."""
        return tuple(
            SecretStatus(**_tuples(one)) for one in self._client.get(f"{self._base}/secrets")
        )

    async def set_secret(self, name: str, value: str) -> SecretStatus:
        """See `Records`."""
        found = self._client.put(f"{self._base}/secrets/{segment(name)}", {"value": value})
        return SecretStatus(**_tuples(found))

    async def rotate_secret(self, name: str) -> SecretStatus:
        """See `Records`."""
        found = self._client.post(f"{self._base}/secrets/{segment(name)}/rotate")
        return SecretStatus(**_tuples(found))

    async def rotate_signing_keys(self, identity: str | None = None) -> tuple[str, ...]:
        """See `Records`."""
        query = f"?identity={segment(identity)}" if identity else ""
        return tuple(self._client.post(f"{self._base}/signing-keys/rotate{query}"))


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has lists where our data has tuples."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in found.items()}
