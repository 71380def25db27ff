"""Requests, keys and a verifier that the SigV4 tests share."""

from __future__ import annotations

from collections.abc import Iterable

from fairway_runtime.sigv4 import (
    Credentials,
    ReplayCache,
    SignableRequest,
    Verified,
    Verifier,
    VerifyingKey,
    VerifyingKeys,
    derive_signing_key,
    sign,
)
from fairway_runtime.sigv4.canonical import fold_headers

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY_ID = "orbit.1"
NOW = 1_795_219_200.0
DATE = "20261121"
NONCE = "abcdefghijklmnopqrst"
CREDENTIALS = Credentials(KEY_ID, SECRET, "local", "axon")
KEYS = VerifyingKeys(
    "axon",
    "local",
    {
        (KEY_ID, DATE): VerifyingKey.of(
            "orbit", "Service", derive_signing_key(SECRET, DATE, "local", "axon")
        )
    },
)


def request(
    path: str = "/reason",
    query: str = "",
    body: bytes | None = b'{"a":1}',
    method: str = "POST",
    headers: Iterable[tuple[str, str]] = (),
) -> SignableRequest:
    return SignableRequest(method, path, query, [("host", "axon.internal"), *headers], body)


def signed_headers(
    sent: SignableRequest, nonce: str = NONCE, now: float = NOW
) -> list[tuple[str, str]]:
    """All headers as our own client puts them on the wire."""
    return [*sent.headers, *sign(sent, CREDENTIALS, now=now, nonce=nonce).items()]


def verifier(now: float = NOW, replay: ReplayCache | None = None) -> Verifier:
    return Verifier(KEYS, replay, clock=lambda: now)


def verify(
    sent: SignableRequest, headers: Iterable[tuple[str, str]], by: Verifier | None = None
) -> Verified:
    """Verify `sent` with these headers on the wire, body included."""
    wire = [(name.lower().encode(), value.encode()) for name, value in headers]
    found = (by or verifier()).verify(
        sent.method, sent.path.encode(), sent.query.encode(), fold_headers(wire)
    )
    assert found.body_matches(sent.body or b"")
    return found
