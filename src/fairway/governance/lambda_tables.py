"""The tables of the decision function: policies from one, audit entries into the other.

Used by `lambda_handler` where `FAIRWAY_POLICY_TABLE` and `FAIRWAY_AUDIT_TABLE` are set. It fails
closed: without policies that were confirmed within the last minute, and without an audit entry,
there is no decision. The client is boto3's for DynamoDB, which Lambda brings along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fairway.errors import Unavailable
from fairway_runtime.policy.audit import Entry
from fairway_runtime.policy.bundle import InvalidBundle
from fairway_runtime.policy.engine import DecisionIds, PolicyEngine
from fairway_runtime.policy.items import POINTER, bundle_in, key, pointed

Clock = Callable[[], float]

REFRESH = 2.0
"""Seconds between two looks at which set decides: as often as agents look for their files."""
STALE = 60.0
"""Seconds for which a set decides that could not be confirmed."""
_DAY = 86_400
_TAKEN = "ConditionalCheckFailedException"


def dynamodb() -> Any:
    """The client that a function needs: short of patience, because its caller waits."""
    import boto3  # noqa: PLC0415 - only where there are tables
    from botocore.config import Config  # noqa: PLC0415

    retries = {"mode": "standard", "total_max_attempts": 2}
    return boto3.client(
        "dynamodb", config=Config(connect_timeout=1, read_timeout=2, retries=retries)
    )


class TablePolicies:
    """The engine of the set that decides, looked for at most every two seconds."""

    def __init__(self, client: Any, table: str, environment: str, clock: Clock) -> None:
        self._client, self._table, self._environment = client, table, environment
        self._clock = clock
        self._new_id = DecisionIds()
        self._engine: PolicyEngine | None = None
        self._digest = self._problem = ""
        self._looked = self._confirmed = float("-inf")

    @property
    def engine(self) -> PolicyEngine:
        """The engine of the active set; raises Unavailable when it is not known which one it is."""
        now = self._clock()
        if now - self._looked >= REFRESH:
            self._looked = now
            self._look(now)
        if self._engine is None or now - self._confirmed > STALE:
            raise Unavailable(
                "no-policy-bundle",
                f"there are no policies to decide by: {self._problem}",
                where=self._table,
                remedy=f"deploy the environment '{self._environment}', or look at the table",
            )
        return self._engine

    def _look(self, now: float) -> None:
        """Take a new set if there is one; a broken one leaves the last in force for a while."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        try:
            version, digest = pointed(self._item(POINTER))
            if digest != self._digest:
                bundle = bundle_in(self._item(version), digest)
                self._engine = PolicyEngine.from_bundle(bundle, new_id=self._new_id)
                self._digest = digest
            self._confirmed = now
        except (InvalidBundle, BotoCoreError, ClientError) as error:
            self._problem = str(error)

    def _item(self, version: int) -> Any:
        answer = self._client.get_item(
            TableName=self._table, Key=key(self._environment, version), ConsistentRead=True
        )
        if "Item" not in answer:
            raise InvalidBundle(f"the table has no policies for '{self._environment}' yet")
        return answer["Item"]


@dataclass(frozen=True, slots=True)
class AuditTable:
    """Audit entries, only ever added: `day` and `entry` are the key, `expires` is when they go."""

    client: Any
    table: str
    days: int
    clock: Clock

    def add(self, entry: Entry) -> None:
        """Add an entry; raises Unavailable, so that nothing is decided without one."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        try:
            self.client.put_item(
                TableName=self.table,
                Item=audit_item(entry, self.clock(), self.days),
                ConditionExpression="attribute_not_exists(#entry)",
                ExpressionAttributeNames={"#entry": "entry"},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != _TAKEN:
                raise _unwritten(self.table, error) from error
            # The name holds the decision's own id: the SDK has repeated what had got through.
        except BotoCoreError as error:
            raise _unwritten(self.table, error) from error


def audit_item(entry: Entry, now: float, days: int) -> dict[str, Any]:
    """An entry as DynamoDB writes it. Pure."""
    at = datetime.fromtimestamp(now if entry.at is None else entry.at, UTC)
    named = entry._asdict() | {"policies": " ".join(entry.policies)}
    texts = {name: str(value) for name, value in named.items() if isinstance(value, str) and value}
    return {
        **{name: {"S": text} for name, text in texts.items()},
        "day": {"S": f"{at:%Y-%m-%d}"},
        "entry": {"S": f"{at:%H:%M:%S.%f}#{entry.decision_id}"},
        "time": {"N": f"{at.timestamp():.6f}"},
        "policy_set": {"N": str(entry.policy_set)},
        "expires": {"N": str(int(now) + days * _DAY)},
        **({} if entry.allowed is None else {"allowed": {"BOOL": entry.allowed}}),
    }


def _unwritten(table: str, error: Exception) -> Unavailable:
    return Unavailable(
        "audit-unwritable",
        f"the decision could not be written down, and so is not given: {error}",
        where=table,
        remedy="ask again; look at the table and the function's role if it stays so",
    )
