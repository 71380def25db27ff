"""The hash chain of an audit file: how one line binds the line before it. Pure.

The writer (`audit.py`) links lines, the control plane checks them. Each line is a JSON object that
ends in `"prev"` and `"hash"`; `hash` is the SHA-256 of the line's own bytes up to it, and so covers
`prev`: no line can be changed, removed or moved without breaking the chain after it. What a chain
cannot show by itself (cut at the end, or rewritten as a whole) the central anchors show.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

_HASH = 64
_TAIL = len(',"hash":""}') + _HASH


class Head(NamedTuple):
    """The end of a chain: the number of its last line (0 for none) and that line's hash."""

    seq: int
    hash: str


class BrokenChain(ValueError):
    """A line that does not continue its chain; the text says how."""


def genesis(writer: str) -> Head:
    """The head of an empty chain. Bound to the writer's name, so files cannot be swapped."""
    return Head(0, hashlib.sha256(f"fairway audit chain of {writer}".encode()).hexdigest())


def link(head: Head, fields: str) -> tuple[str, Head]:
    """The next line (with its newline) and the new head; `fields` are JSON members, no braces."""
    seq = head.seq + 1
    sealed = f'{{"seq":{seq},{fields},"prev":"{head.hash}"'
    digest = hashlib.sha256(sealed.encode()).hexdigest()
    return f'{sealed},"hash":"{digest}"}}\n', Head(seq, digest)


def follow(head: Head, line: str) -> tuple[dict[str, Any], Head]:
    """The record on a line (without newline) that continues `head`, and the new head.

    Raises BrokenChain when the line was changed, or when lines before it are missing.
    """
    record = read(line)
    digest = hashlib.sha256(line[:-_TAIL].encode("utf-8", "surrogatepass")).hexdigest()
    if line[-_TAIL:] != f',"hash":"{digest}"}}':
        raise BrokenChain("the line was changed: its hash does not match its content")
    if record.get("prev") != head.hash or record.get("seq") != head.seq + 1:
        found = record.get("seq")
        raise BrokenChain(f"lines are missing or moved: after {head.seq} comes {found}")
    return record, Head(head.seq + 1, digest)


def read(line: str) -> dict[str, Any]:
    """The record on a line, unchecked; raises BrokenChain when it is not a JSON object."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenChain(f"the line is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BrokenChain("the line is not a JSON object")
    return record
