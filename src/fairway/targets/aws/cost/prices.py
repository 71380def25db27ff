"""The dated price table: what a unit costs in a region, where that is written, and since when.

`prices.yaml` beside this file holds it. A price that is not in it is None: nothing is guessed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one `unit`, as `source` says it; last seen, there or in a bill, on `as_of`."""

    value: float
    unit: str
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by name and region."""

    known: Mapping[tuple[str, str], Price]

    def find(self, name: str, region: str) -> Price | None:
        """What it costs there; None when the table does not say."""
        return self.known.get((name, region))

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that the table knows."""
        return tuple(sorted({region for _, region in self.known}))


@functools.cache
def price_table() -> Prices:
    """The table of this version of Fairway."""
    text = files("fairway.targets.aws.cost").joinpath("prices.yaml").read_text("utf-8")
    return parsed(text)


def parsed(text: str) -> Prices:
    """A price table as it is written; a mistake in it is a mistake of ours, and raises."""
    known: dict[tuple[str, str], Price] = {}
    for group in yaml.safe_load(text):
        for name, regions in group["prices"].items():
            known |= _in_regions(name, regions, group["source"], group["as_of"])
    return Prices(known)


def _in_regions(
    name: str, regions: dict[str, Any], source: str, as_of: date
) -> dict[tuple[str, str], Price]:
    unit = regions["unit"]
    return {
        (name, region): Price(float(value), unit, source, as_of)
        for region, value in regions.items()
        if region != "unit"
    }
