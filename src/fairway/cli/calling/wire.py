"""HTTP/1.1 on the wire, as far as a load needs it: requests as bytes, and where an answer ends.

`load` and the benchmarks send with it over connections that are kept alive. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

_BODILESS = (b"204", b"304")


def http_request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(answer: bytes) -> str:
    """The three digits of an answer's status."""
    return answer[9:12].decode("latin-1")


def is_whole(answer: bytes) -> bool:
    """Whether an answer on a connection that is kept alive has arrived to its last byte."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    if head[9:12] in _BODILESS:
        return True
    at = (lowered := head.lower()).find(b"\r\ncontent-length:")
    if at < 0:  # chunked: nothing else keeps a connection alive
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(lowered[at + 17 :].split(b"\r\n", 1)[0])


def stays_open(answer: bytes) -> bool:
    """Whether another request may follow on the same connection."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return b"\r\nconnection: close" not in head
