"""Requests for certificates (PKCS #10) and the certificates themselves (X.509). Pure.

Used by `handler.py`. A certificate is an X509-SVID of SPIFFE: one URI as its only name, no subject,
no authority, for client and server. Of a request only the key counts, and that its sender has it:
who it is for is not the sender's to say.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import der
import p256

Sign = Callable[[bytes], bytes]
"""The ECDSA signature (DER) of the SHA-256 of a message."""

_ECDSA_SHA256 = der.sequence(der.identifier("1.2.840.10045.4.3.2"))
_P256 = der.sequence(der.identifier("1.2.840.10045.2.1"), der.identifier("1.2.840.10045.3.1.7"))
_COMMON_NAME = der.identifier("2.5.4.3")
_TRUE = der.write(der.BOOLEAN, b"\xff")
_PEM = re.compile(
    r"\s*-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*"
)
_LONGEST = 4_096
"""Characters of a request; one for a P-256 key has about 400."""


class BadRequest(ValueError):
    """A request that is none, or whose sender does not have the key."""


@dataclass(frozen=True)
class Authority:
    """Who signs: the name in its own certificate, and its public key (SubjectPublicKeyInfo)."""

    name: str
    public_key: bytes
    sign: Sign


@dataclass(frozen=True)
class Wish:
    """What a certificate is to say."""

    spiffe_id: str
    serial: int
    valid_from: datetime
    valid_until: datetime


def requested_key(pem: str) -> bytes:
    """The public key (SubjectPublicKeyInfo) of a request that its holder signed."""
    try:
        return _requested_key(_decoded(pem))
    except ValueError as error:
        raise BadRequest(f"not a certificate request for a P-256 key: {error}") from error


def issue(authority: Authority, public_key: bytes, wish: Wish) -> str:
    """A certificate, as PEM."""
    body = der.sequence(
        der.write(0xA0, der.integer(2)),
        der.integer(wish.serial),
        _ECDSA_SHA256,
        _name(authority.name),
        der.sequence(der.moment(wish.valid_from), der.moment(wish.valid_until)),
        der.sequence(),
        public_key,
        der.write(0xA3, der.sequence(*_extensions(authority, public_key, wish.spiffe_id))),
    )
    signed = der.sequence(body, _ECDSA_SHA256, der.bit_string(authority.sign(body)))
    return _pem(signed)


def _decoded(pem: str) -> bytes:
    found = _PEM.fullmatch(pem) if len(pem) <= _LONGEST else None
    if found is None:
        raise ValueError("no PEM of one")
    return base64.b64decode("".join(found[1].split()), validate=True)


def _requested_key(request: bytes) -> bytes:
    body, algorithm, signature = der.read(request, der.SEQUENCE).parts()
    _, _, public_key, *_ = body.parts()
    if algorithm.whole != _ECDSA_SHA256:
        raise ValueError("it is not signed by ECDSA with SHA-256")
    kind, point = public_key.parts()
    if kind.whole != _P256:
        raise ValueError("its key is of another kind")
    r, s = (der.natural(part) for part in der.read(der.bits(signature), der.SEQUENCE).parts())
    if not p256.verifies(p256.public_point(der.bits(point)), body.whole, r, s):
        raise ValueError("whoever sent it does not have the key")
    return public_key.whole


def _name(common: str) -> bytes:
    value = der.write(der.UTF8_STRING, common.encode())
    return der.sequence(der.write(der.SET, der.sequence(_COMMON_NAME, value)))


def _extensions(authority: Authority, public_key: bytes, spiffe_id: str) -> list[bytes]:
    """RFC 5280, 4.2; the name is critical because there is no subject."""
    usages = der.sequence(der.identifier("1.3.6.1.5.5.7.3.1"), der.identifier("1.3.6.1.5.5.7.3.2"))
    signer = der.write(0x80, key_identifier(authority.public_key))
    uri = der.write(0x86, spiffe_id.encode("ascii"))
    return [
        _extension("2.5.29.19", der.sequence(), critical=True),
        _extension("2.5.29.15", der.bit_string(b"\x80", unused=7), critical=True),
        _extension("2.5.29.37", usages),
        _extension("2.5.29.14", der.write(der.OCTET_STRING, key_identifier(public_key))),
        _extension("2.5.29.35", der.sequence(signer)),
        _extension("2.5.29.17", der.sequence(uri), critical=True),
    ]


def _extension(dotted: str, content: bytes, *, critical: bool = False) -> bytes:
    value = der.write(der.OCTET_STRING, content)
    return der.sequence(der.identifier(dotted), *([_TRUE] if critical else []), value)


def key_identifier(public_key: bytes) -> bytes:
    """SHA-1 of the key's bits (RFC 5280, 4.2.1.2, method 1): a name, no protection."""
    _, point = der.read(public_key, der.SEQUENCE).parts()
    return hashlib.sha1(der.bits(point), usedforsecurity=False).digest()


def _pem(content: bytes) -> str:
    text = base64.b64encode(content).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
