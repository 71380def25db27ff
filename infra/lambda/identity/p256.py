"""ECDSA over P-256: does a signature belong to a public key? (FIPS 186-5, 6.4.2.) Pure.

Used by `certificates.py`. It handles nothing secret, so it need not take the same time for every
input; it takes about 10 ms. Tested against another implementation.
"""

from __future__ import annotations

import hashlib

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

Point = tuple[int, int] | None
"""None is the point at infinity."""


def public_point(encoded: bytes) -> tuple[int, int]:
    """The point of an uncompressed public key (SEC 1, 2.3.4); ValueError off the curve."""
    if len(encoded) != 65 or encoded[0] != 4:
        raise ValueError("not an uncompressed point of P-256")
    x, y = int.from_bytes(encoded[1:33], "big"), int.from_bytes(encoded[33:], "big")
    if x >= P or y >= P or (y * y - (x * x * x - 3 * x + B)) % P:
        raise ValueError("not a point of P-256")
    return x, y


def verifies(key: tuple[int, int], message: bytes, r: int, s: int) -> bool:
    """Whether `(r, s)` signs the SHA-256 of a message by that key."""
    if not (0 < r < N and 0 < s < N):
        return False
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    inverse = pow(s, -1, N)
    found = _add(_times(digest * inverse % N, G), _times(r * inverse % N, key))
    return found is not None and found[0] % N == r


def _times(factor: int, point: Point) -> Point:
    result: Point = None
    while factor:
        if factor & 1:
            result = _add(result, point)
        point = _add(point, point)
        factor >>= 1
    return result


def _add(one: Point, other: Point) -> Point:
    if one is None:
        return other
    if other is None:
        return one
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, P) % P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P
