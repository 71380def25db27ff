"""The agent's own log: JSON lines on standard error; standard output is Envoy's log."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


def tell(level: str, message: str, **fields: object) -> None:
    """Write one line."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = {"time": at, "level": level, "logger": "fairway.agent", "message": message, **fields}
    sys.stderr.write(json.dumps(entry, default=str) + "\n")
    sys.stderr.flush()


class Trouble:
    """Says once that something goes wrong, and once that it is over; not at every attempt."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._why = ""

    def is_there(self, why: str) -> None:
        """It went wrong."""
        if why != self._why:
            tell("WARNING", f"cannot {self._what}; it is tried again", reason=why)
        self._why = why

    def is_over(self) -> None:
        """It went well."""
        if self._why:
            tell("INFO", f"can {self._what} again")
        self._why = ""
