"""Signing one attempt of a call. Pure: the time and the nonce arrive as arguments."""

from __future__ import annotations

import time
from functools import lru_cache
from hashlib import sha256

from fairway_runtime.sigv4.canonical import (
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    Head,
    SignableRequest,
    canonical_path,
    canonical_query,
    canonical_request,
    fold_headers,
    string_to_sign,
)
from fairway_runtime.sigv4.keys import Credentials

_ALWAYS_SIGNED = frozenset({b"host", b"content-type", b"idempotency-key"})
_SIGNED_PREFIXES = (b"x-fairway-", b"x-amz-")
_SET_ON_THE_WAY = frozenset({b"x-fairway-cohort", b"x-fairway-shadow"})
"""Sidecars set these when they choose a version, after the caller has signed."""
REPLACED = frozenset(
    {"authorization", "x-amz-date", "x-amz-content-sha256", "x-fairway-nonce"},
)
"""The headers that `sign` sets, whatever the request had under these names."""


def sign(
    request: SignableRequest, credentials: Credentials, *, now: float, nonce: str
) -> dict[str, str]:
    """The headers to set on the request: authorization, date, body hash and nonce.

    `now` is Unix time in seconds; `nonce` must be new for every attempt (16 to 64 characters of
    `A-Za-z0-9_-`). Signed are host, content-type, idempotency-key and every `x-fairway-*` and
    `x-amz-*` header but those that sidecars set; proxies may change all others (trace context,
    forwarding, baggage) on the way.
    Raises ValueError when the request has no host header.
    """
    timestamp = _timestamp(int(now))
    payload_hash = _payload_hash(request.body)
    added = {
        "x-amz-date": timestamp,
        "x-amz-content-sha256": payload_hash,
        "x-fairway-nonce": nonce,
    }
    headers = fold_headers(_signed_pairs(request, added)).values
    if b"host" not in headers:
        raise ValueError("a request to sign needs a host header: add the one that will be sent")
    names = sorted(headers)
    head = Head(
        request.method.encode(),
        canonical_path(request.path.encode()),
        canonical_query(request.query.encode()),
        headers,
        names,
        payload_hash.encode(),
    )
    scope = f"{timestamp[:8]}/{credentials.region}/{credentials.service}/aws4_request"
    mac = credentials.keyed_hmac(timestamp[:8]).copy()
    mac.update(string_to_sign(timestamp.encode(), scope.encode(), canonical_request(head)))
    added["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, "
        f"SignedHeaders={b';'.join(names).decode()}, Signature={mac.hexdigest()}"
    )
    return added


def _signed_pairs(request: SignableRequest, added: dict[str, str]) -> list[tuple[bytes, bytes]]:
    pairs = [
        (name.lower().encode(), value.encode("utf-8", "surrogateescape"))
        for name, value in request.headers
        if name.lower() not in REPLACED
    ]
    kept = [pair for pair in pairs if _is_signed(pair[0])]
    return kept + [(name.encode(), value.encode()) for name, value in added.items()]


def _is_signed(name: bytes) -> bool:
    if name in _SET_ON_THE_WAY:
        return False
    return name in _ALWAYS_SIGNED or name.startswith(_SIGNED_PREFIXES)


def _payload_hash(body: bytes | None) -> str:
    if body is None:
        return UNSIGNED_PAYLOAD
    return sha256(body).hexdigest() if body else EMPTY_SHA256


@lru_cache(maxsize=4)
def _timestamp(now: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
