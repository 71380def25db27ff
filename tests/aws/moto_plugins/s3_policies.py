"""Bucket policies: statements with a condition are left out when moto decides about objects.

moto does not look at conditions: it would refuse everything to whoever denies what comes without
TLS. What the policies say is tested by `iam_evaluation.py`.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def install() -> None:
    """Add it to moto's buckets."""
    bucket: Any = FakeBucket

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(self.policy)
        found = policy["Statement"]
        statements = found if isinstance(found, list) else [found]
        plain = [each for each in statements if not each.get("Condition")]
        if not plain:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps({**policy, "Statement": plain})).is_action_permitted(
            action, resource
        )

    bucket.get_permission = get_permission
