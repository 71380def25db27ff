"""The lock of Terraform's state: who holds it, and whether that is a dead process of ours. Pure.

Terraform tells of it in a diagnostic; the object `<key>.tflock` beside the state in S3 has the same
facts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_BLOCK = re.compile(r"^\s*Lock Info:\s*$", re.MULTILINE)
_FACT = re.compile(r"^\s+(ID|Path|Operation|Who|Version|Created):\s*(.*?)\s*$", re.MULTILINE)
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")
_OPERATIONS = {
    "OperationTypeApply": "apply", "OperationTypePlan": "plan", "OperationTypeRefresh": "refresh",
    "OperationTypeInvalid": "a change of the state", "init": "init", "migration": "a migration",
}  # fmt: skip
_TOLERANCE = 5.0
"""Between our note of a run and the lock that it takes, clocks may be read in either order."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds the state. `who` is user@host, `created` seconds since the epoch (0: unknown)."""

    id: str
    who: str
    operation: str
    path: str = ""
    version: str = ""
    created: float = 0.0

    @property
    def words(self) -> str:
        """`ann@laptop has held it since 2026-11-20 11:40:07 UTC, for apply`."""
        since = (
            datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            if self.created
            else "an unknown moment"
        )
        doing = _OPERATIONS.get(self.operation, self.operation)
        return f"{self.who or 'somebody'} has held it since {since}, for {doing or 'something'}"


@dataclass(frozen=True, slots=True)
class Run:
    """A Terraform process that was started here; `began` is the process's own start time."""

    pid: int
    began: float
    who: str
    operation: str
    at: float


def lock_in(text: str) -> Lock | None:
    """The lock that a diagnostic speaks of."""
    block = _BLOCK.search(text)
    if block is None:
        return None
    return _lock(dict(_FACT.findall(text, block.end())))


def left_by(lock: Lock, run: Run) -> bool:
    """Whether a lock was taken by this run, which is known to be dead."""
    return lock.who == run.who and bool(lock.created) and lock.created >= run.at - _TOLERANCE


def _lock(facts: dict[str, str]) -> Lock | None:
    if not facts.get("ID"):
        return None
    return Lock(
        id=facts["ID"],
        who=facts.get("Who", ""),
        operation=facts.get("Operation", ""),
        path=facts.get("Path", ""),
        version=facts.get("Version", ""),
        created=_moment(facts.get("Created", "")),
    )


def _moment(text: str) -> float:
    """Go prints it as RFC 3339 in JSON, and with blanks elsewhere; always in UTC."""
    found = _MOMENT.match(text)
    if found is None:
        return 0.0
    return datetime.fromisoformat(f"{found.group(1)}T{found.group(2)}+00:00").timestamp()
