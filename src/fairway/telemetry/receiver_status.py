"""How the receiver is: it writes this every second as `status.json`, the store's reader asks it.

Counts are since the receiver started. `received` counts items by what they are (`spans`, `points`,
`records`, `lines`, `requests`), `shed` refused exports by signal (`traces`, `metrics`, `logs`):
what is refused is not read, so nobody knows how many items it held.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """`at` is when it was written: older than some seconds means that no receiver runs.

    `rejected` are items within good requests that were not acceptable, `damaged` requests that
    could not be read, `lost` items that the store did not take, `queued` bytes that wait for it.
    """

    running: bool
    pid: int
    at: float
    started_at: float
    http: str
    grpc: str
    received: Mapping[str, int] = field(default_factory=dict)
    shed: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    damaged: int = 0
    lost: int = 0
    queued: int = 0
    forwarded: int = 0
    forward_failed: int = 0
    problem: str = ""

    def to_json(self) -> str:
        """As the text of a file."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What was written last; None when there is nothing that can be read."""
        try:
            content = json.loads(path.read_bytes())
            names = {entry.name for entry in fields(cls)}
            return cls(**{name: value for name, value in content.items() if name in names})
        except (OSError, ValueError, TypeError, AttributeError):
            return None
