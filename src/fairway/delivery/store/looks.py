"""What was seen of a deployment: its evidence and latest numbers, and what its hooks said.

The engine writes after every look, so that after a crash the analysis goes on where it was, and so
that anyone can read the live numbers. Not fenced: a stale worker's look is a true measurement.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from fairway.delivery.analysis.evidence import Evidence
from fairway.delivery.codec import decode, encode
from fairway.delivery.course import Phase
from fairway.delivery.port import Watching
from fairway.storage.database import Database


@dataclass(frozen=True, slots=True)
class HookResult:
    """What one hook did. `output` is the end of what it printed or answered."""

    name: str
    passed: bool
    words: str
    output: str
    at: float
    seconds: float


class Looks:
    """The repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, deployment: str, watching: Watching, evidence: Sequence[Evidence]) -> None:
        """Replace what was seen before."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO looks (deployment, watching, evidence) VALUES (?, ?, ?)"
                " ON CONFLICT (deployment) DO UPDATE"
                " SET watching = excluded.watching, evidence = excluded.evidence",
                (deployment, encode(watching), json.dumps([each.to_json() for each in evidence])),
            )

    def watching(self, deployment: str) -> Watching | None:
        """The latest live numbers, None before the first look."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT watching FROM looks WHERE deployment = ?", (deployment,)
            )
        return decode(Watching, rows[0][0]) if rows else None

    def evidence(self, deployment: str) -> tuple[Evidence, ...]:
        """All that is known so far, one for each service."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT evidence FROM looks WHERE deployment = ?", (deployment,)
            )
        return tuple(map(Evidence.from_json, json.loads(rows[0][0]))) if rows else ()

    def keep_hook(self, deployment: str, phase: Phase, position: int, result: HookResult) -> None:
        """Replace the result of a phase's hook."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO hook_results (deployment, phase, position, value)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (deployment, phase, position)"
                " DO UPDATE SET value = excluded.value",
                (deployment, phase, position, encode(result)),
            )

    def hooks(self, deployment: str, phase: Phase) -> dict[int, HookResult]:
        """The results of a phase's hooks by their position, those that have one."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT position, value FROM hook_results WHERE deployment = ? AND phase = ?",
                (deployment, phase),
            )
        return {int(row[0]): decode(HookResult, row[1]) for row in rows}
