"""Use of a key by way of one service of AWS alone: nobody decrypts by calling KMS directly."""

from __future__ import annotations

from fairway.targets.aws.grants.grant import SHARED, Condition, Grant, ResourceRef


def through(
    region: str, via: str, sid: str, reason: str, *, key: str = SHARED, writes: bool = False
) -> Grant:
    """Decrypt with a key, and encrypt as well where the service `writes`, by way of `via`."""
    actions = ("kms:Decrypt", "kms:GenerateDataKey") if writes else ("kms:Decrypt",)
    by = Condition("StringEquals", "kms:ViaService", (f"{via}.{region}.amazonaws.com",))
    return Grant(sid, reason, actions, ResourceRef("key", key), (by,))
