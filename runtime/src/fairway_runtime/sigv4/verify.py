"""Verifying a call: is it from whom it says, unchanged, recent and not seen before?

Called by `asgi.py` before the body is read and the handler runs. `Verifier.verify` checks the head
(everything but the body) and returns what the body must hash to; `Verified.body_matches` is the
second half. A refusal carries the reason for the log; the caller of the service never sees it.

Learned by measuring: the credential and the signed header names repeat from call to call, so
their parsing is cached by that part of the header; copying a keyed HMAC saves half of `hmac.new`.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple, Protocol

from fairway_runtime.sigv4.canonical import (
    CONTENT_HASH,
    DATE,
    NONCE,
    REQUIRED_SIGNED,
    FoldedHeaders,
    Head,
    canonical_path,
    canonical_query,
    canonical_request,
    literal_query,
    string_to_sign,
)
from fairway_runtime.sigv4.keys import VerifyingKey, VerifyingKeys
from fairway_runtime.sigv4.replay import ReplayCache

MAX_SKEW = 300
MAX_AUTHORIZATION = 4096

_CREDENTIAL = re.compile(
    rb"AWS4-HMAC-SHA256 +Credential=(?P<key_id>[\w.@:+=-]{1,128})/(?P<date>\d{8})"
    rb"/(?P<region>[\w.-]{1,64})/(?P<service>[\w.-]{1,64})/aws4_request *, *"
    rb"SignedHeaders=(?P<headers>[a-z0-9!#$%&'*+.^_`|~;-]{1,2048}) *, *\Z"
)
_SIGNATURE = re.compile(rb"[0-9a-f]{64}\Z")
_HASH = re.compile(rb"[0-9a-f]{64}\Z|UNSIGNED-PAYLOAD\Z")
_NONCE = re.compile(rb"[A-Za-z0-9_-]{16,64}\Z")
_DATE = re.compile(rb"\d{8}T\d{6}Z\Z")
_SINGLE = frozenset({b"authorization", b"host", b"content-type", CONTENT_HASH, DATE, NONCE})


class SignatureRefused(Exception):
    """A call that is not (provably) what it claims to be. `reason` is for the log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeySource(Protocol):
    """`VerifyingFile`, or fixed `VerifyingKeys`."""

    def current(self) -> VerifyingKeys:
        """The keys that are valid now."""
        ...


class Verified(NamedTuple):
    """Whose call it is. `body_hash` is None for an unsigned payload."""

    caller: str
    kind: str
    key_id: str
    body_hash: str | None

    def body_matches(self, body: bytes) -> bool:
        """Whether this is the body that was signed; True for an unsigned payload."""
        return self.body_hash is None or compare_digest(sha256(body).hexdigest(), self.body_hash)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The part of an authorization header that repeats from call to call."""

    key_id: str
    date: str
    region: str
    service: str
    scope: bytes
    signed: tuple[bytes, ...]
    signed_set: frozenset[bytes]
    complete: bool


class Verifier:
    """Checks the signature of incoming calls against the keys of this service."""

    def __init__(
        self,
        keys: KeySource,
        replay: ReplayCache | None = None,
        *,
        clock: Callable[[], float] = time.time,
        max_skew: int = MAX_SKEW,
    ) -> None:
        self._keys = keys
        self._replay = replay or ReplayCache(max_skew)
        self._clock = clock
        self._max_skew = max_skew

    def verify(self, method: str, path: bytes, query: bytes, headers: FoldedHeaders) -> Verified:
        """Check the head of a request; `path` and `query` are raw, as they came on the wire.

        Raises SignatureRefused. The nonce of a request that passes counts as used.
        """
        claim, signature = _parse_authorization(headers)
        keys = self._keys.current()
        key = _find_key(keys, claim)
        now = self._clock()
        timestamp, dated = self._check_date(headers, claim, now)
        body_hash = _required(headers, CONTENT_HASH, _HASH)
        nonce = _required(headers, NONCE, _NONCE)
        _check_coverage(headers, claim)
        head = Head(
            method.encode(),
            canonical_path(path),
            canonical_query(query),
            headers.values,
            claim.signed,
            body_hash,
        )
        if not _signature_matches(head, query, _Proof(claim.scope, timestamp, key, signature)):
            raise SignatureRefused("the signature does not match the request")
        if not self._replay.first_use(claim.key_id, nonce.decode(), dated, now):
            raise SignatureRefused("the nonce was used before")
        hashed = None if body_hash == b"UNSIGNED-PAYLOAD" else body_hash.decode()
        return Verified(key.caller, key.kind, claim.key_id, hashed)

    def _check_date(self, headers: FoldedHeaders, claim: _Claim, now: float) -> tuple[bytes, int]:
        timestamp = _required(headers, DATE, _DATE)
        dated = _unix_time(timestamp)
        if abs(now - dated) > self._max_skew:
            raise SignatureRefused(f"the date is {now - dated:.0f} s from this clock")
        if timestamp[:8] != claim.scope[:8]:
            raise SignatureRefused("the scope is for another day than the date")
        return timestamp, dated


class _Proof(NamedTuple):
    scope: bytes
    timestamp: bytes
    key: VerifyingKey
    signature: bytes


def _parse_authorization(headers: FoldedHeaders) -> tuple[_Claim, bytes]:
    value = headers.values.get(b"authorization")
    if value is None:
        raise SignatureRefused("there is no authorization header")
    if headers.repeated and not _SINGLE.isdisjoint(headers.repeated):
        repeated = b", ".join(sorted(_SINGLE & headers.repeated)).decode()
        raise SignatureRefused(f"header repeated: {repeated}")
    credential, _, signature = value.rpartition(b"Signature=")
    if len(value) > MAX_AUTHORIZATION or not _SIGNATURE.match(signature):
        raise SignatureRefused("the authorization header is not of SigV4's form")
    return _parse_credential(credential), signature


@lru_cache(maxsize=256)
def _parse_credential(credential: bytes) -> _Claim:
    match = _CREDENTIAL.match(credential)
    if match is None:
        raise SignatureRefused("the authorization header is not of SigV4's form")
    signed = tuple(match["headers"].split(b";"))
    if list(signed) != sorted(set(signed)):
        raise SignatureRefused("the signed headers are not sorted and unique")
    key_id, date, region, service = (
        match[name].decode() for name in ("key_id", "date", "region", "service")
    )
    scope = f"{date}/{region}/{service}/aws4_request".encode()
    names = frozenset(signed)
    return _Claim(key_id, date, region, service, scope, signed, names, names >= REQUIRED_SIGNED)


def _find_key(keys: VerifyingKeys, claim: _Claim) -> VerifyingKey:
    if claim.service != keys.service:
        raise SignatureRefused(f"the scope is for the service {claim.service!r}")
    if claim.region != keys.region:
        raise SignatureRefused(f"the scope is for the region {claim.region!r}")
    key = keys.keys.get((claim.key_id, claim.date))
    if key is None:
        raise SignatureRefused(f"there is no key {claim.key_id!r} for {claim.date}")
    return key


def _required(headers: FoldedHeaders, name: bytes, form: re.Pattern[bytes]) -> bytes:
    value = headers.values.get(name)
    if value is None or not form.match(value):
        raise SignatureRefused(f"{name.decode()} is missing or malformed")
    return value


def _check_coverage(headers: FoldedHeaders, claim: _Claim) -> None:
    present, signed = headers.values.keys(), claim.signed_set
    if not claim.complete or (b"content-type" in present and b"content-type" not in signed):
        missing = (REQUIRED_SIGNED | (present & {b"content-type"})) - signed
        raise SignatureRefused(f"header not signed: {b', '.join(sorted(missing)).decode()}")
    if not present >= signed:
        missing_name = min(signed - present).decode()
        raise SignatureRefused(f"a signed header is missing: {missing_name}")


def _signature_matches(head: Head, query: bytes, proof: _Proof) -> bool:
    if compare_digest(_signature(head, proof), proof.signature):
        return True
    literal = literal_query(query)
    return literal != head.query and compare_digest(
        _signature(head._replace(query=literal), proof), proof.signature
    )


def _signature(head: Head, proof: _Proof) -> bytes:
    mac = proof.key.keyed.copy()
    mac.update(string_to_sign(proof.timestamp, proof.scope, canonical_request(head)))
    return mac.hexdigest().encode()


@lru_cache(maxsize=1024)
def _unix_time(timestamp: bytes) -> int:
    try:
        return calendar.timegm(time.strptime(timestamp.decode(), "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise SignatureRefused("x-amz-date is missing or malformed") from None
