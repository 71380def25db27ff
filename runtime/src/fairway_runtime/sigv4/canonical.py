"""The canonical form of a request: the bytes that a signature covers.

Used by `sign` and `verify`, which must agree on every byte. Pure. The two published
implementations differ in one point, so there are two forms of a query: awscrt (and the
specification) decodes and re-encodes every name and value; botocore takes them from the URL as
they are. We sign the first and accept either: both are injective up to what SigV4 itself ignores
(the order of parameters and the spelling of an encoded byte).

Learned by measuring: most paths and queries need no work, so one regular expression decides
that; folding all headers once per request is cheaper than looking up each signed one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = b"AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = sha256(b"").hexdigest()

DATE = b"x-amz-date"
CONTENT_HASH = b"x-amz-content-sha256"
NONCE = b"x-fairway-nonce"
REQUIRED_SIGNED = frozenset({b"host", CONTENT_HASH, DATE, NONCE})

_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?\Z")


@dataclass(frozen=True, slots=True)
class SignableRequest:
    """What goes on the wire, before it is signed.

    `path` and `query` are percent-encoded as they will be sent (`query` without its `?`), headers
    hold `host`, and a `body` of None means that it is not hashed (`UNSIGNED-PAYLOAD`).
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None = b""


class FoldedHeaders(NamedTuple):
    """Header values by lower-case name; those of a repeated name joined by commas, in order."""

    values: dict[bytes, bytes]
    repeated: frozenset[bytes]


_NOTHING_REPEATED: frozenset[bytes] = frozenset()


def fold_headers(pairs: Iterable[tuple[bytes, bytes]]) -> FoldedHeaders:
    """Index headers (names already lower case) the way SigV4 folds them."""
    values: dict[bytes, bytes] = {}
    repeated: set[bytes] | None = None
    for name, value in pairs:
        if name in values:
            repeated = repeated or set()
            repeated.add(name)
            values[name] = values[name].strip() + b"," + value.strip()
        else:
            values[name] = value
    return FoldedHeaders(values, frozenset(repeated) if repeated else _NOTHING_REPEATED)


def canonical_path(path: bytes) -> bytes:
    """The normalised path, percent-encoded once more (SigV4 for everything but S3)."""
    if path == b"/" or _PLAIN_PATH.match(path):
        return path
    return quote(_remove_dots(path), safe="/~").encode()


def _remove_dots(path: bytes) -> bytes:
    """RFC 3986 section 5.2.4, and empty segments are dropped, as AWS services do."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    last = b"/" if kept and path.endswith(b"/") else b""
    return b"/" + b"/".join(kept) + last


def canonical_query(query: bytes) -> bytes:
    """Names and values re-encoded, pairs sorted: the form of the specification and of awscrt."""
    if not query:
        return b""
    pairs = (pair.partition(b"=") for pair in query.split(b"&") if pair)
    encoded = sorted((_reencoded(name), _reencoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded).encode()


def literal_query(query: bytes) -> bytes:
    """Pairs sorted but left as they are spelled: the form that botocore signs for a URL."""
    pairs = sorted(pair.partition(b"=")[::2] for pair in query.split(b"&")) if query else []
    return b"&".join(name + b"=" + value for name, value in pairs)


def _reencoded(text: bytes) -> str:
    return quote(unquote_to_bytes(text), safe="-_.~")


class Head(NamedTuple):
    """The parts of a canonical request; path and query are canonical, `signed` names sorted.

    A named tuple, not a frozen dataclass: a quarter of the time to make, once per request.
    """

    method: bytes
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    signed: Sequence[bytes]
    payload_hash: bytes


def canonical_request(head: Head) -> bytes:
    """Six parts on lines of their own. Raises KeyError for a signed header that is not there."""
    # Splitting and joining folds white space, and costs a fifth of asking whether there is any.
    fields = [name + b":" + b" ".join(head.headers[name].split()) for name in head.signed]
    names = b";".join(head.signed)
    return b"\n".join((head.method, head.path, head.query, *fields, b"", names, head.payload_hash))


def string_to_sign(timestamp: bytes, scope: bytes, request: bytes) -> bytes:
    """What the HMAC is computed over; `scope` is date/region/service/aws4_request."""
    digest = sha256(request).hexdigest().encode()
    return b"\n".join((ALGORITHM, timestamp, scope, digest))
