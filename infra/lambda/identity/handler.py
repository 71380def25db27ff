"""Signs the certificates of the mesh: whoever may invoke an alias gets that service's identity.

Invoked by the agent beside each Envoy with `{"csr": "<PEM>"}`, through an alias that is called as
the service. IAM lets a task role invoke its own alias alone, and AWS itself writes the alias into
the invoked ARN: that is the whole attestation, and nothing in the event is part of it.

    {"certificate": "<PEM>", "authorities": "<PEM>", "expires_at": "2026-11-21T12:00:00+00:00"}

Environment: `TRUST_DOMAIN` (`<app>.<environment>`), `KEY_ID` (KMS, ECC_NIST_P256, SIGN_VERIFY),
`AUTHORITY_BUCKET` and `AUTHORITY_KEY` (the authority's certificate, PEM), and optionally
`LIFETIME` in seconds, 24 hours at most. The key never leaves KMS.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from certificates import Authority, Wish, issue, requested_key

LONGEST = timedelta(hours=24)
SKEW = timedelta(minutes=5)
"""Clocks differ: a certificate is valid from a little before it was made."""

_ALIAS = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:[\w-]+:(?P<alias>[A-Za-z][\w-]*)")
_kept: dict[str, Any] = {}
"""What one execution environment looks up once: clients, the authority and its certificate."""


@dataclass(frozen=True)
class Setting:
    """Who signs, for which trust domain, how long, and what peers have to trust."""

    trust_domain: str
    authority: Authority
    authorities: str
    lifetime: timedelta = LONGEST


def handle(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """What Lambda calls."""
    service = invoked_as(context.invoked_function_arn)
    return certify(
        _setting(), service, str(event.get("csr", "")), datetime.now(UTC), secrets.randbits(127)
    )


def invoked_as(arn: str) -> str:
    """The service whose alias was invoked; PermissionError without one."""
    found = _ALIAS.fullmatch(arn)
    if found is None:
        raise PermissionError("invoke the alias that is called as the service")
    return found["alias"]


def certify(
    setting: Setting, service: str, csr: str, now: datetime, randomness: int
) -> dict[str, str]:
    """The certificate of a service for the key of a request. Pure but for the signature."""
    public_key = requested_key(csr)
    until = now + min(setting.lifetime, LONGEST)
    wish = Wish(
        f"spiffe://{setting.trust_domain}/{service}",
        # Never zero, and of equal length: RFC 5280, 4.1.2.2, allows 20 bytes.
        randomness | 1 << 127,
        now - SKEW,
        until,
    )
    return {
        "certificate": issue(setting.authority, public_key, wish),
        "authorities": setting.authorities,
        "expires_at": until.isoformat(),
    }


def authority_name(trust_domain: str) -> str:
    """The subject of the authority's own certificate."""
    return f"Fairway {trust_domain}"[:64]


def _setting() -> Setting:
    if "setting" not in _kept:
        _kept["setting"] = _read_setting(os.environ)
    found: Setting = _kept["setting"]
    return found


def _read_setting(variables: Mapping[str, str]) -> Setting:
    import boto3  # noqa: PLC0415 - part of Lambda's own Python, not of whoever tests this

    kms, s3 = boto3.client("kms"), boto3.client("s3")
    key_id, domain = variables["KEY_ID"], variables["TRUST_DOMAIN"]

    def sign(message: bytes) -> bytes:
        answer = kms.sign(
            KeyId=key_id, Message=message, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )
        return bytes(answer["Signature"])

    place = {"Bucket": variables["AUTHORITY_BUCKET"], "Key": variables["AUTHORITY_KEY"]}
    public_key = kms.get_public_key(KeyId=key_id)["PublicKey"]
    return Setting(
        domain,
        Authority(authority_name(domain), public_key, sign),
        s3.get_object(**place)["Body"].read().decode(),
        timedelta(seconds=float(variables.get("LIFETIME", LONGEST.total_seconds()))),
    )
