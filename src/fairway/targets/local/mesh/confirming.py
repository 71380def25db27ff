"""What becomes of a file that Envoy did not take."""

from __future__ import annotations

from pathlib import Path

from fairway.errors import FairwayError

_TAKEN = "Address already in use"


class EnvoyRejected(FairwayError):
    """Envoy did not take a file and goes on with the one before, which is put back."""

    def __init__(self, envoy: str, file: Path, reason: str) -> None:
        super().__init__(
            "envoy-rejected",
            f"the Envoy of {envoy} rejects a file: {reason}",
            where=str(file),
            remedy=_remedy(reason),
        )
        self.file = file
        self.reason = reason


def _remedy(reason: str) -> str:
    if _TAKEN in reason:
        return "a program took that port after it was chosen; the same command again chooses anew"
    return "the one before stays in force; please report this with the file"
