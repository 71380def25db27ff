"""`python -m bench [section …]`: measure, print one table, write `bench/results/latest.json`.

Sections run one after another, never beside one another. The exit code is 0 also when a limit is
missed: a figure depends on the machine, and the table says which ones missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console

from bench.analysis import measure_analysis
from bench.calls import measure_calls
from bench.console import measure_console
from bench.decisions import measure_decisions
from bench.delivery import measure_delivery
from bench.memory import measure_memory
from bench.planning import measure_planning
from bench.report import Figure, save, show
from bench.start import measure_start
from bench.telemetry import measure_telemetry

WIDTH = 140
"""Columns, where the table goes to a file."""

SECTIONS: dict[str, tuple[str, Callable[[], Sequence[Figure]]]] = {
    "start": ("`fairway up` against honcho", measure_start),
    "calls": ("a governed call against a hand-written mesh", measure_calls),
    "decisions": ("policy decisions against cedarpy with the whole set", measure_decisions),
    "analysis": ("simulated rollouts against fixed thresholds", measure_analysis),
    "delivery": ("deployments under load: found, taken back, nothing lost", measure_delivery),
    "planning": ("plans of 500 and of 5,000 services", measure_planning),
    "console": ("pages in a browser, while the system is used", measure_console),
    "telemetry": ("spans taken in, questions over five million of them", measure_telemetry),
    "memory": ("what the control plane and the Envoys keep resident", measure_memory),
}


def main() -> None:
    """Run the sections that were asked for; all by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    chosen: list[str] = parser.parse_args().sections or list(SECTIONS)
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; try {', '.join(SECTIONS)}")
    run(chosen, Console() if Console().is_terminal else Console(width=WIDTH))


def run(chosen: Sequence[str], console: Console) -> None:
    """Measure, show and save."""
    figures: list[Figure] = []
    for name in chosen:
        words, measure = SECTIONS[name]
        console.print(f"measuring {name}: {words}", style="dim")
        figures += measure()
    show(figures, console)
    console.print(f"written to {save(figures)}", style="dim")


if __name__ == "__main__":
    main()
