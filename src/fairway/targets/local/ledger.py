"""The ledger: every process that Fairway started and has not seen end, in one small JSON file.

`processes.py` writes it, before the program gets to run, so that after a SIGKILL of Fairway the
next start knows all of them. Only the holder of the state folder's lock may write.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from fairway.targets.local.layout import write_private
from fairway.targets.local.naming import replica_label

ProcessKind = Literal["service", "envoy", "telemetry"]


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One started process: who it is (pid, mark, boot), what it runs, where its log is.

    `mark` is the kernel's start mark, only compared; `started_at` is seconds since the epoch, for
    people. `fingerprint` covers arguments, folder and environment: equal means it need not be
    restarted. `token` is the value of `FAIRWAY_PROCESS` in its environment.
    """

    kind: ProcessKind
    name: str
    replica: int
    pid: int
    mark: float
    boot_id: str
    started_at: float
    fingerprint: str
    version: str
    token: str
    log: str
    port: int | None = None

    @property
    def label(self) -> str:
        """How people and log files call it: `orbit.0`."""
        return replica_label(self.name, self.version, self.replica)


class Ledger:
    """The records, kept in memory and mirrored to `path` at every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = {record.token: record for record in _read(path)}

    def records(self) -> tuple[ProcessRecord, ...]:
        """Everything known, oldest first."""
        return tuple(self._records.values())

    def add(self, record: ProcessRecord) -> None:
        """Write down a process before its program runs."""
        self._records[record.token] = record
        self._write()

    def remove(self, record: ProcessRecord) -> None:
        """Forget a process that has ended; unknown ones are no error."""
        if self._records.pop(record.token, None) is not None:
            self._write()

    def _write(self) -> None:
        """Not durable on purpose: after a power cut none of the processes exists."""
        content = {"records": [asdict(record) for record in self._records.values()]}
        write_private(self._path, json.dumps(content, indent=1).encode())


def _read(path: Path) -> list[ProcessRecord]:
    """A damaged ledger counts as empty: the scan for marked processes finds what it listed."""
    try:
        content = json.loads(path.read_bytes())
        return [_record(entry) for entry in content["records"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []


def _record(entry: dict[str, Any]) -> ProcessRecord:
    known = {field.name for field in fields(ProcessRecord)}
    return ProcessRecord(**{key: value for key, value in entry.items() if key in known})
