"""Use of a key by way of one service of AWS alone: nobody decrypts by calling KMS directly."""

from __future__ import annotations

from fairway.targets.aws.grants.grant import SHARED, Condition, Grant, ResourceRef


def through(via: str, sid: str, reason: str, *, key: str = SHARED, writes: bool = False) -> Grant:
    """Decrypt with a key, and encrypt as well where the service `writes`.

    `via` is the endpoint that uses it on behalf of the service: `s3.eu-central-1`.
    """
    actions = ("kms:Decrypt", "kms:GenerateDataKey") if writes else ("kms:Decrypt",)
    by = Condition("StringEquals", "kms:ViaService", (f"{via}.amazonaws.com",))
    return Grant(sid, reason, actions, ResourceRef("key", key), (by,))
