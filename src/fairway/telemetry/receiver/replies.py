"""What OTLP clients are answered, as bytes: successes, partial ones, and the reasons for refusals.

Used by both servers. Shapes follow the OTLP specification 1.x: a refusal is a `google.rpc.Status`
(in JSON for who spoke JSON), a refusal for now carries a `google.rpc.RetryInfo`. The two messages
are so small that they are written here by hand, instead of depending on a library of all Google's
common types. Pure.
"""

from __future__ import annotations

import json
from typing import Final, Literal

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")

RETRY_SECONDS: Final = 1
"""After how long a client that was refused for lack of room may try again."""
INVALID_ARGUMENT: Final = 3
RESOURCE_EXHAUSTED: Final = 8
UNAVAILABLE: Final = 14
_REJECTED: Final = {
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
}
_RETRY_INFO: Final = b"type.googleapis.com/google.rpc.RetryInfo"


def success(rejected: int = 0, complaint: str = "") -> bytes:
    """An `Export…ServiceResponse`: its three kinds number their fields alike."""
    if not rejected:
        return b""
    return _text(1, _number(1, rejected) + _text(2, complaint.encode()))


def success_json(signal: Signal, rejected: int = 0, complaint: str = "") -> bytes:
    """The same in JSON, where 64-bit numbers are text."""
    if not rejected:
        return b"{}"
    partial = {_REJECTED[signal]: str(rejected), "errorMessage": complaint}
    return json.dumps({"partialSuccess": partial}).encode()


def status(code: int, message: str, retry: bool = False) -> bytes:
    """A `google.rpc.Status`; with `retry` it says when to come again."""
    details = _text(3, _retry_info()) if retry else b""
    return _number(1, code) + _text(2, message.encode()) + details


def status_json(code: int, message: str) -> bytes:
    """The same in JSON."""
    return json.dumps({"code": code, "message": message}).encode()


def _retry_info() -> bytes:
    """An `Any` that holds a `RetryInfo{retry_delay: Duration{seconds}}`."""
    return _text(1, _RETRY_INFO) + _text(2, _text(1, _number(1, RETRY_SECONDS)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
