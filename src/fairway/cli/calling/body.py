"""The body of a request as `--data` gives it: text, `@file`, or `-` for standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from fairway.errors import InvalidInput


def body_of(data: str | None) -> bytes | None:
    """The bytes, None without a body; raises InvalidInput for a file that cannot be read."""
    if data is None:
        return None
    if data == "-":
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise InvalidInput(
            "unreadable-file",
            f"the body cannot be read: {error.strerror}",
            where=data[1:],
            remedy="check the path after --data @",
        ) from error
