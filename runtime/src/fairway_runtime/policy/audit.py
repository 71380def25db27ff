"""The audit log of one process: every denial, every policy change, and allows or a sample of them.

The ASGI wrapper appends each decision, the control plane each change. One hash chain per writer
file (`chain.py`); a writer that finds its file taken by another process takes the next free name.
Allows beyond the sample (`sampling.py`) are counted: `left_out` of an entry says how many were not
written since the entry before it, and `close` writes what is still uncounted.

Durability: every line is handed to the operating system before `append` returns, so it outlives the
process, also when it is killed. `fsync` runs at rotation, `sync()` and `close()` only: a power
failure can take the last lines, and the central anchors then show that they are missing. A line cut
short by a crash is removed at the next start, and a `recovered` entry says so.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from typing import Literal, NamedTuple

from fairway_runtime.forks import process_id
from fairway_runtime.policy.chain import Head, genesis, link
from fairway_runtime.policy.engine import Decision, Principal
from fairway_runtime.policy.sampling import AllowSample

SEGMENT_BYTES = 64 * 2**20
_WRITERS_PER_NAME = 256
_TAIL_BYTES = 2**20
"""Enough for the last line by far: reasons and names are short."""
_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


class Entry(NamedTuple):
    """One thing to remember. `allowed` is None for what is not a decision; `at` (Unix seconds) is
    given only for what happened earlier than it is written. A `command` is what a person or a
    program told the control plane to do.
    """

    kind: Literal["decision", "policy-change", "command", "recovered", "left-out"]
    allowed: bool | None = None
    principal: str = ""
    service: str = ""
    intent: str = ""
    reason: str = ""
    policies: tuple[str, ...] = ()
    policy_set: int = 0
    decision_id: str = ""
    correlation_id: str = ""
    at: float | None = None


def decision_entry(
    decision: Decision, principal: Principal, service: str, intent: str, correlation_id: str = ""
) -> Entry:
    """The entry for a decision of the engine."""
    return Entry(
        "decision",
        decision.allowed,
        f"{principal.kind}::{principal.name}",
        service,
        intent,
        decision.reason,
        decision.policies,
        decision.policy_set,
        decision.decision_id,
        correlation_id,
    )


def segments(folder: Path, writer: str) -> list[Path]:
    """The files of a writer's chain in order: the rotated ones, then the one being written."""
    rotated = sorted(folder.glob(f"{writer}@*.jsonl"))
    active = folder / f"{writer}.jsonl"
    return [*rotated, active] if active.exists() else rotated


def chain_head(folder: Path, writer: str) -> Head:
    """The end of a writer's chain, from its last whole line; `genesis` while there is none."""
    for path in reversed(segments(folder, writer)):
        tail = _tail(path)
        whole = tail[: tail.rfind(b"\n") + 1]
        if whole:
            return _head_of(whole)
    return genesis(writer)


class AuditWriter:
    """Appends to `<folder>/<writer>.jsonl`. Safe between threads; reopens itself after a fork.

    `name` is the writer's name in use: the one asked for, or `<writer>-2`… when that was taken.
    """

    def __init__(
        self,
        folder: Path,
        writer: str,
        *,
        clock: Callable[[], float] = time.time,
        sample: AllowSample | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self._folder = folder
        self._wanted = writer
        self._clock = clock
        self._sample = sample or AllowSample(share=1)
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._head: Head
        self._size: int
        self._open()

    @property
    def head(self) -> Head:
        """The end of the chain: what the control plane anchors."""
        return self._head

    def append(self, entry: Entry) -> None:
        """Write one entry; an allow outside the sample is counted. Raises OSError (disk full)."""
        now = self._clock()
        with self._lock:
            if self._process != process_id():
                self._sample.left_out = 0  # the parent's, who will say so
                self._open()
            if entry.allowed and not self._sample.keeps(entry.decision_id, now):
                return
            if self._size >= self._segment_bytes:
                self._rotate()
            self._write(entry_fields(now, entry, self._sample.left_out))
            self._sample.left_out = 0

    def sync(self) -> None:
        """Force what was written to the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Say what was left out since the last entry, sync and give the file up."""
        with self._lock:
            try:
                left_out = self._sample.left_out
                if left_out and self._process == process_id():
                    reason = f"{left_out} allows outside the sample were not written"
                    self._write(
                        entry_fields(self._clock(), Entry("left-out", reason=reason), left_out)
                    )
                os.fsync(self._file)
            finally:
                os.close(self._file)

    def _write(self, fields: str) -> None:
        line, head = link(self._head, fields)
        data = line.encode()
        written = os.write(self._file, data)
        if written != len(data):
            os.ftruncate(self._file, self._size)
            raise OSError(f"audit log {self._path}: wrote {written} of {len(data)} bytes")
        self._head = head
        self._size += written

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._process = process_id()
        self.name, self._path, self._file = _take(self._folder, self._wanted)
        self._head, self._size, cut = _recover(self._folder, self.name, self._path, self._file)
        if cut:
            reason = f"a line cut short by a crash was removed ({cut} bytes)"
            self._write(entry_fields(self._clock(), Entry("recovered", reason=reason)))

    def _rotate(self) -> None:
        os.fsync(self._file)
        self._path.rename(self._folder / f"{self.name}@{self._head.seq:012d}.jsonl")
        os.close(self._file)
        self._open()


def entry_fields(now: float, entry: Entry, left_out: int = 0) -> str:
    """An entry as JSON members, to be linked into a chain (`chain.link`); pure ASCII."""
    at = round(now if entry.at is None else entry.at, 6)
    omitted = f',"left_out":{left_out}' if left_out else ""
    return (
        f'"time":{at!r},"kind":"{entry.kind}",{_repeated(*entry[1:8])}'
        f',"decision_id":{_quoted(entry.decision_id)}'
        f',"correlation_id":{_quoted(entry.correlation_id)}{omitted}'
    )


@lru_cache(maxsize=1024)
def _repeated(*values: object) -> str:
    """The members that are alike from call to call, encoded once: 1 µs an entry, not 3."""
    return _encode(dict(zip(Entry._fields[1:8], values, strict=True)))[1:-1]


def _take(folder: Path, writer: str) -> tuple[str, Path, int]:
    for number in range(1, _WRITERS_PER_NAME + 1):
        name = writer if number == 1 else f"{writer}-{number}"
        path = folder / f"{name}.jsonl"
        try:
            return name, path, _locked(path)
        except BlockingIOError:
            continue
    raise OSError(f"audit folder {folder}: {_WRITERS_PER_NAME} processes already write {writer}")


def _locked(path: Path) -> int:
    """Open for appending, exclusively; raises BlockingIOError when another process has it."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise
    return file


def _recover(folder: Path, writer: str, path: Path, file: int) -> tuple[Head, int, int]:
    """The head to go on from, the size of the file, and how many bytes of a cut line were removed.

    Only the end is looked at: whether the chain holds is for the control plane to verify.
    """
    size = path.stat().st_size
    tail = _tail(path)
    cut = len(tail) - (tail.rfind(b"\n") + 1)
    if cut:
        os.ftruncate(file, size - cut)
    return chain_head(folder, writer), size - cut, cut


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read()


def _head_of(tail: bytes) -> Head:
    """The head after the last whole line. After a line that nobody can read, the chain goes on from
    a head that verification is sure to refuse: a service must start, and the damage must show.
    """
    try:
        last = json.loads(tail.rstrip(b"\n").rpartition(b"\n")[2])
        return Head(int(last["seq"]), str(last["hash"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return Head(0, "unreadable")
