"""The policies of the decision function: a DynamoDB table in every region.

`Enforcer` writes them together with the files of the mesh. The function looks which set decides
every two seconds. Methods block.
"""

from __future__ import annotations

from fairway.errors import NotFound
from fairway.targets.aws.clients import code_of, telling
from fairway.targets.aws.place import Place
from fairway_runtime.policy.bundle import PolicyBundle
from fairway_runtime.policy.items import POINTER, items, key

_NO_TABLE = "ResourceNotFoundException"


class PolicySets:
    """The table of one environment."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def activate(self, region: str, bundle: PolicyBundle) -> None:
        """Have the function decide by this bundle; nothing where there is no function."""
        try:
            if not self.decides(region, bundle):
                self._write(region, bundle)
        except NotFound as error:
            if code_of(error) != _NO_TABLE:
                raise

    def decides(self, region: str, bundle: PolicyBundle) -> bool:
        """Whether it does already."""
        table = self._place.policy_table
        with telling("look which policies decide", where=table):
            answer = self._place.clients.of("dynamodb", region).get_item(
                TableName=table, Key=key(self._place.environment, POINTER), ConsistentRead=True
            )
        found = answer.get("Item", {}).get("digest", {})
        return bool(found == {"S": bundle.digest})

    def _write(self, region: str, bundle: PolicyBundle) -> None:
        """The set and the pointer to it at once: none is ever there without the other."""
        table = self._place.policy_table
        puts = [
            {"Put": {"TableName": table, "Item": item}}
            for item in items(self._place.environment, bundle)
        ]
        with telling("have the policies decide", where=table):
            self._place.clients.of("dynamodb", region).transact_write_items(TransactItems=puts)
