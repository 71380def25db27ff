"""What the audit log says of refusals, by who asked whom. Pure.

`views/topology` adds it to what the mesh has seen, and asks whether there is anything to read in
the audit log about the refusals of an edge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fairway.console.views.wording import bare
from fairway.control.recorded import AuditEntry

_ASKED = ".asked"
"""How the writers end by which the runtime library audits what a caller asked first, and therefore
never sent (`fairway_runtime.advice`)."""
_OUTSIDE = ("Gateway::", "Client::")
"""Principals whose requests come by the gateway."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """`unsent` counts calls that were refused before they were made; `audited` is who was refused
    by whom, `entered` which services refused somebody from outside."""

    unsent: Mapping[tuple[str, str], int]
    audited: frozenset[tuple[str, str]]
    entered: frozenset[str]

    def explain(self, source: str, target: str) -> bool:
        """Whether the audit log has entries for an edge."""
        if source == "public":
            return bool(self.entered)
        return (source, target) in self.audited or (source == "gateway" and target in self.entered)


def refusals(entries: Iterable[AuditEntry]) -> Refusals:
    """Of denials, whoever wrote them."""
    unsent: Counter[tuple[str, str]] = Counter()
    audited: set[tuple[str, str]] = set()
    entered: set[str] = set()
    for each in entries:
        pair = bare(each.caller), each.service
        audited.add(pair)
        if each.writer.endswith(_ASKED):
            unsent[pair] += 1
        elif each.caller.startswith(_OUTSIDE):
            entered.add(each.service)
    return Refusals(unsent, frozenset(audited), frozenset(entered))
