"""One `GET` over HTTP/2 without TLS, for health checks of programs that speak nothing else.

`health.py` is the only caller. A connection carries this one request and is thrown away, so of
HPACK (RFC 7541) only what a first response can use is needed: entries of the static table, and a
literal status, plain or Huffman-coded. Frames are those of RFC 9113.
"""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _SETTINGS, _GOAWAY, _RESET = 0x1, 0x4, 0x7, 0x3
_END_STREAM, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x4, 0x8, 0x20
_STREAM = 1
_MAX_FRAME = 2**14
_INDEXED_STATUS = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
"""RFC 7541, Appendix A: entries 8 to 14 of the static table, as indexed fields."""
_HUFFMAN_DIGITS = {
    "00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5",
    "011100": "6", "011101": "7", "011110": "8", "011111": "9",
}  # fmt: skip
"""RFC 7541, Appendix B, for the digits."""


async def ask_http2(reader: StreamReader, writer: StreamWriter, authority: str, path: str) -> int:
    """The status of `GET path`. ValueError when what answers does not speak HTTP/2."""
    request = _frame(_HEADERS, _END_STREAM | _END_HEADERS, _STREAM, _request(authority, path))
    writer.write(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + request)
    while True:
        head = await reader.readexactly(9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        if length > _MAX_FRAME:
            raise ValueError("not a frame of HTTP/2")
        payload = await reader.readexactly(length)
        if kind in (_GOAWAY, _RESET):
            raise ValueError("the request was refused")
        if kind == _HEADERS and stream == _STREAM:
            return _status(_field_block(payload, flags))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def _request(authority: str, path: str) -> bytes:
    method_get, scheme_http, path_name, authority_name = b"\x82", b"\x86", b"\x04", b"\x01"
    return b"".join(
        [method_get, scheme_http, path_name, _literal(path), authority_name, _literal(authority)]
    )


def _literal(text: str) -> bytes:
    """A string without Huffman coding; lengths from 127 on continue in groups of seven bits."""
    value = text.encode()
    if len(value) < 127:
        return bytes((len(value),)) + value
    rest, continued = len(value) - 127, bytearray((127,))
    while rest >= 128:
        continued.append(rest % 128 | 128)
        rest //= 128
    return bytes(continued) + bytes((rest,)) + value


def _field_block(payload: bytes, flags: int) -> bytes:
    start = 1 if flags & _PADDED else 0
    return payload[start + (5 if flags & _PRIORITY else 0) :]


def _status(block: bytes) -> int:
    """The first field of a response is `:status`; updates of the table size may come before it."""
    while block and block[0] & 0xE0 == 0x20:
        block = block[1:]
    if not block:
        raise ValueError("a response without fields")
    if block[0] in _INDEXED_STATUS:
        return _INDEXED_STATUS[block[0]]
    named = block[0] & 0x3F if block[0] & 0x40 else block[0] & 0x0F
    if not 8 <= named <= 14 or len(block) < 2:
        raise ValueError("a response whose first field is not the status")
    value = block[2 : 2 + (block[1] & 0x7F)]
    return int(_huffman(value) if block[1] & 0x80 else value)


def _huffman(value: bytes) -> str:
    bits, digits = "".join(f"{byte:08b}" for byte in value), ""
    while len(digits) < 3:
        code = next((c for c in _HUFFMAN_DIGITS if bits.startswith(c)), None)
        if code is None:
            raise ValueError("a status that is not three digits")
        digits, bits = digits + _HUFFMAN_DIGITS[code], bits[len(code) :]
    return digits
