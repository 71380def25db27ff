"""Figures as a table for people and as JSON for programs; every section returns `Figure`s."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what Fairway needs, what the peer needs, and what was promised.

    `limit` bounds `value` (`judged` says whether that is the ratio or our own figure) from above,
    or from below with `at_least`; None: printed for information.
    """

    section: str
    name: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return None if self.peer is None else self.ours / self.peer

    @property
    def judged(self) -> float:
        """What the limit is about: the ratio where there is a peer, else our own figure."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def kept(self) -> bool | None:
        """Whether the limit is kept; None without a limit."""
        if self.limit is None:
            return None
        return self.judged >= self.limit if self.at_least else self.judged <= self.limit


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the table."""
    table = Table(
        "what", "Fairway", "peer", "ratio", "limit", "", title="Fairway against its peers"
    )
    for column in table.columns[1:5]:
        column.justify = "right"
    section = ""
    for figure in figures:
        if section and figure.section != section:
            table.add_section()
        section = figure.section
        table.add_row(*_cells(figure))
    console.print(table)


def save(figures: Sequence[Figure]) -> Path:
    """Write what was measured, and on what, to `results/latest.json`."""
    machine = {
        "cpus": psutil.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "platform": platform.platform(),
        "python": platform.python_version(),
    }
    measured = [asdict(figure) | {"ratio": figure.ratio, "kept": figure.kept} for figure in figures]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "figures": measured}, indent=2) + "\n")
    return RESULTS


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        f"{figure.section}: {figure.name}",
        _number(figure.ours, figure.unit),
        "" if figure.peer is None else f"{_number(figure.peer, figure.unit)} {figure.peer_name}",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        _limit(figure),
        {True: "[green]ok[/]", False: "[red]MISS[/]", None: ""}[figure.kept],
    )


def _limit(figure: Figure) -> str:
    if figure.limit is None:
        return ""
    bound = "≥" if figure.at_least else "≤"
    unit = figure.unit if figure.ratio is None else ""
    return f"{bound} {_number(figure.limit, unit)}"


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 1000 else 2 if value < 100 else 1
    return f"{value:,.{digits}f} {unit}".strip()
