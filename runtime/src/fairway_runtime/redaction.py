"""Keeps known secrets out of every log line.

`secrets` registers each value that enters the process, `logs` passes each finished line through
`redact`. What is compared is the text as it stands in JSON too, so that escaping hides nothing.
Values shorter than four characters are not redacted: they would blot out half of every line.
"""

from __future__ import annotations

import json
from collections.abc import Callable

MIN_LENGTH = 4
MARK = "[redacted]"


class Redactor:
    """A growing set of texts that must not be printed. Forgets nothing: an old version of a
    secret may still be valid elsewhere.
    """

    def __init__(self) -> None:
        self._texts: tuple[str, ...] = ()

    def add(self, secret: str) -> None:
        """From now on `secret` is replaced wherever it occurs in a line."""
        spellings = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        known = set(self._texts)
        known |= {text for text in spellings if len(text) >= MIN_LENGTH}
        # Longest first: a secret that contains another must go as a whole.
        self._texts = tuple(sorted(known, key=len, reverse=True))

    def redact(self, line: str) -> str:
        """`line` without any known secret."""
        for text in self._texts:
            if text in line:
                line = line.replace(text, MARK)
        return line


shared = Redactor()
"""One per process, because logging is: whatever prints must know every secret."""

redact: Callable[[str], str] = shared.redact
