"""A unified diff as rows with line numbers, for releases and for policies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

RowKind = Literal["file", "hunk", "add", "del", "same"]
_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,\d+)? \+(?P<new>\d+)(?:,\d+)? @@")
MOST = 4000
"""Rows that a page shows; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line. A number is None on the side that does not have it."""

    kind: RowKind
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """All rows that are shown, how much changes in all, and how many rows are left out."""

    rows: tuple[Row, ...]
    added: int
    removed: int
    left_out: int = 0


def diff_of(text: str) -> Diff:
    """A unified diff, laid out."""
    rows = tuple(_rows(text.splitlines()))
    added = sum(row.kind == "add" for row in rows)
    removed = sum(row.kind == "del" for row in rows)
    return Diff(rows[:MOST], added, removed, max(0, len(rows) - MOST))


def _rows(lines: list[str]) -> Iterator[Row]:
    old = new = 0
    for index, line in enumerate(lines):
        if _is_head(lines, index):
            if line.startswith("+++ "):
                yield Row("file", line[4:].strip())
            continue
        if found := _HUNK.match(line):
            old, new = int(found["old"]), int(found["new"])
            yield Row("hunk", line)
        elif line.startswith("+"):
            yield Row("add", line[1:], new=new)
            new += 1
        elif line.startswith("-"):
            yield Row("del", line[1:], old=old)
            old += 1
        else:
            yield Row("same", line[1:], old, new)
            old, new = old + 1, new + 1


def _is_head(lines: list[str], index: int) -> bool:
    """`--- a` is the head of a file only with `+++ b` after it and a hunk after that."""
    first = index if lines[index].startswith("--- ") else index - 1
    if first < 0 or first + 2 >= len(lines):
        return False
    return (
        lines[first].startswith("--- ")
        and lines[first + 1].startswith("+++ ")
        and lines[first + 2].startswith("@@ ")
    )
