"""Policy sets as items of a DynamoDB table: for decisions without a bundle file. Pure.

The target on AWS writes them, the decision function reads them. A set that was active is one item;
the item with the version 0 says which set decides:

    environment, version    the key; a set has the version of the policy set
    bundle                  the `PolicyBundle` as compressed JSON
    active                  of the item 0: the version of the set that decides
    digest                  of the bundle, in both: a reader in between two writes notices
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from fairway_runtime.policy.bundle import InvalidBundle, PolicyBundle

Item = dict[str, Any]

POINTER = 0
"""The version of the item that says which set decides; policy sets are counted from 1."""
_LARGEST = 64 * 2**20
"""Bytes of JSON that are read at most: a small item must not fill the memory."""


def key(environment: str, version: int) -> Item:
    """The key of a set, or of the pointer."""
    return {"environment": {"S": environment}, "version": {"N": str(version)}}


def items(environment: str, bundle: PolicyBundle) -> tuple[Item, Item]:
    """The set and the pointer to it: to be written together."""
    digest = {"S": bundle.digest}
    content = zlib.compress(bundle.to_json().encode(), 6)
    made = {**key(environment, bundle.version), "bundle": {"B": content}, "digest": digest}
    active = {"N": str(bundle.version)}
    return made, {**key(environment, POINTER), "active": active, "digest": digest}


def pointed(item: Mapping[str, Any]) -> tuple[int, str]:
    """The version that decides, and the digest of its bundle; raises InvalidBundle."""
    try:
        return int(item["active"]["N"]), str(item["digest"]["S"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidBundle(f"the item that names the active set is broken: {error!r}") from error


def bundle_in(item: Mapping[str, Any], digest: str) -> PolicyBundle:
    """The bundle of a set; raises InvalidBundle for another one than the pointer means."""
    try:
        opened = zlib.decompressobj()
        text = opened.decompress(bytes(item["bundle"]["B"]), _LARGEST)
        if opened.unconsumed_tail:
            raise InvalidBundle(f"the bundle is larger than {_LARGEST} bytes")
        found = PolicyBundle.from_json(text.decode())
    except (KeyError, TypeError, UnicodeDecodeError, zlib.error) as error:
        raise InvalidBundle(f"the item of the active set is broken: {error!r}") from error
    if found.digest != digest:
        raise InvalidBundle("the set is another one than the one that decides")
    return found
