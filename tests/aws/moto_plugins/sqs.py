"""SQS: what may redrive to a queue; setting one attribute leaves the others as they are.

Added: RedriveAllowPolicy. Mended: moto forgets the policy of a queue when anything else is set.
"""

from __future__ import annotations

import json
from typing import Any

from moto.sqs.models import Queue


def install() -> None:
    set_, attributes = Queue._set_attributes, Queue.attributes

    def _set_attributes(self: Queue, given: dict[str, Any], now: float | None = None) -> None:
        if "Policy" not in given and getattr(self, "_policy_json", None):
            given = {**given, "Policy": self.policy}
        set_(self, given, now)
        self.redrive_allow_policy = self.redrive_allow_policy or None  # "" takes it away

    def without_none(self: Queue) -> dict[str, Any]:
        found = {k: v for k, v in attributes.fget(self).items() if v is not None}
        if "RedrivePolicy" in found:  # as AWS writes it, without spaces
            policy = json.loads(found["RedrivePolicy"])
            found["RedrivePolicy"] = json.dumps(policy, separators=(",", ":"))
        return found

    Queue.redrive_allow_policy = None
    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]
    Queue._set_attributes = _set_attributes
    Queue.attributes = property(without_none)
