"""What becomes of a file that Envoy did not take."""

from __future__ import annotations

from pathlib import Path

from fairway.errors import FairwayError


class EnvoyRejected(FairwayError):
    """Envoy did not take a file and goes on with the one before, which is put back."""

    def __init__(self, envoy: str, file: Path, reason: str) -> None:
        super().__init__(
            "envoy-rejected",
            f"the Envoy of {envoy} rejects a file: {reason}",
            where=str(file),
            remedy="the one before stays in force; please report this with the file",
        )
        self.file = file
        self.reason = reason
