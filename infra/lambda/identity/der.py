"""DER, as much of it as certificates and requests for them need (X.690). Pure.

Used by `certificates.py`. Written here because a Lambda has boto3 and nothing else: a library with
compiled parts would have to be packed for the processor and the Python of the function. Reading is
strict: whatever is not exactly one DER value of definite length is refused with ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING = 0x01, 0x02, 0x03, 0x04
OID, UTF8_STRING, UTC_TIME, GENERALIZED_TIME = 0x06, 0x0C, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31


@dataclass(frozen=True)
class Value:
    """One value: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def parts(self) -> tuple[Value, ...]:
        """The values inside a constructed one."""
        return tuple(_values(self.content))


def read(data: bytes, tag: int) -> Value:
    """The only value in some bytes."""
    values = tuple(_values(data))
    if len(values) != 1 or values[0].tag != tag:
        raise ValueError("not the one DER value that was expected")
    return values[0]


def _values(data: bytes) -> Iterator[Value]:
    position = 0
    while position < len(data):
        start, length = _header(data, position)
        end = start + length
        if end > len(data):
            raise ValueError("a DER value is cut off")
        yield Value(data[position], data[start:end], data[position:end])
        position = end


def _header(data: bytes, position: int) -> tuple[int, int]:
    """Where the content begins, and how long it is."""
    if position + 2 > len(data):
        raise ValueError("a DER value is cut off")
    first = data[position + 1]
    if first < 0x80:
        return position + 2, first
    count = first & 0x7F
    octets = data[position + 2 : position + 2 + count]
    if not 1 <= count <= 3 or len(octets) < count or octets[0] == 0:
        raise ValueError("the length of a DER value is not in its shortest form")
    length = int.from_bytes(octets, "big")
    if length < 0x80:
        raise ValueError("the length of a DER value is not in its shortest form")
    return position + 2 + count, length


def natural(value: Value) -> int:
    """A number that is not negative, in its shortest form."""
    content = value.content
    padded = len(content) > 1 and content[0] == 0 and content[1] < 0x80
    if value.tag != INTEGER or not content or content[0] >= 0x80 or padded:
        raise ValueError("not a natural number in DER")
    return int.from_bytes(content, "big")


def bits(value: Value) -> bytes:
    """The content of a bit string of whole bytes."""
    if value.tag != BIT_STRING or not value.content or value.content[0] != 0:
        raise ValueError("not a bit string of whole bytes")
    return value.content[1:]


def write(tag: int, *parts: bytes) -> bytes:
    """One value out of its parts."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*parts: bytes) -> bytes:
    """A sequence."""
    return write(SEQUENCE, *parts)


def integer(number: int) -> bytes:
    """A natural number."""
    return write(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bit_string(content: bytes, unused: int = 0) -> bytes:
    """A bit string, of which so many of the last bits are unused."""
    return write(BIT_STRING, bytes([unused]), content)


def identifier(dotted: str) -> bytes:
    """An object identifier."""
    first, second, *others = (int(arc) for arc in dotted.split("."))
    return write(OID, bytes([first * 40 + second]), *(_arc(arc) for arc in others))


def _arc(arc: int) -> bytes:
    septets = [arc & 0x7F]
    while arc := arc >> 7:
        septets.append(0x80 | arc & 0x7F)
    return bytes(reversed(septets))


def moment(when: datetime) -> bytes:
    """A time in UTC: in two digits of the year until 2049, as RFC 5280, 4.1.2.5, wants it."""
    if when.year < 2050:
        return write(UTC_TIME, when.strftime("%y%m%d%H%M%SZ").encode())
    return write(GENERALIZED_TIME, when.strftime("%Y%m%d%H%M%SZ").encode())
