"""The policies of the decision function: a DynamoDB table in every region.

`Enforcer` writes them together with the files of the mesh. The function looks which set decides
every two seconds. Methods block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairway.errors import NotFound
from fairway.targets.aws.clients import code_of, telling
from fairway.targets.aws.place import Place
from fairway_runtime.policy.bundle import InvalidBundle, PolicyBundle
from fairway_runtime.policy.items import POINTER, bundle_in, items, key, pointed

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
        """Whether it does already: the pointer means this bundle, and the set is still that."""
        try:
            if pointed(self._item(region, POINTER)) != (bundle.version, bundle.digest):
                return False
            bundle_in(self._item(region, bundle.version), bundle.digest)
        except InvalidBundle:
            return False
        return True

    def tampered(self, region: str, bundle: PolicyBundle) -> bool:
        """Whether the function decides by anything else; not where there is no function."""
        try:
            return not self.decides(region, bundle)
        except NotFound as error:
            if code_of(error) != _NO_TABLE:
                raise
            return False

    def _item(self, region: str, version: int) -> Mapping[str, Any]:
        """Empty when it is not there."""
        table = self._place.policy_table
        with telling("look which policies decide", where=table):
            answer = self._place.clients.of("dynamodb", region).get_item(
                TableName=table, Key=key(self._place.environment, version), ConsistentRead=True
            )
        item: Mapping[str, Any] = answer.get("Item", {})
        return item

    def _write(self, region: str, bundle: PolicyBundle) -> None:
        """The set and the pointer to it at once: none is ever there without the other."""
        table = self._place.policy_table
        puts = [
            {"Put": {"TableName": table, "Item": item}}
            for item in items(self._place.environment, bundle)
        ]
        with telling("have the policies decide", where=table):
            self._place.clients.of("dynamodb", region).transact_write_items(TransactItems=puts)
