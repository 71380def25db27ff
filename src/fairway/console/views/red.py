"""Requests by rate, errors and duration: which an address asks for, and how they are kept apart.

Pure. The metrics page asks the telemetry port with what this makes of the page's address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from fairway.console.views.charts import Axis
from fairway.console.views.links import Address
from fairway.telemetry.port import COARSE_STEP, FINE_SECONDS, Traffic, TrafficQuery

Split = Literal["service", "caller", "version", "intent"]
By = tuple[Literal["caller", "version", "intent"], ...]
SPLITS: tuple[Split, ...] = get_args(Split)
_BY: Mapping[Split, By] = {
    "service": (),
    "caller": ("caller",),
    "version": ("version",),
    "intent": ("intent",),
}
_SETTLING = 2.0
"""Seconds after which the requests of a step are counted in full."""


def split_of(address: Address) -> Split:
    """What lines stand for: what was asked, else services, or the versions of a chosen one.

    Two runs seldom have the same versions, so those are compared by service.
    """
    asked = address.get("split")
    alone = address.get("service") and not address.get("compare")
    plain: Split = "version" if alone else "service"
    return next((split for split in SPLITS if split == asked), plain)


def by_of(split: Split) -> By:
    """What the store has to keep apart."""
    return _BY[split]


def label_by(split: Split) -> Callable[[Traffic], str]:
    """How a line is called."""
    match split:
        case "service":
            return lambda row: row.service
        case "caller":
            return lambda row: edge_name(row.caller, row.service)
        case "version":
            return lambda row: f"{row.service} {row.version}".strip()
        case "intent":
            return lambda row: f"{row.service} {row.intent or '(no intent)'}"


def edge_name(caller: str, service: str) -> str:
    """`orbit → axon`."""
    return f"{caller} → {service}"


def traffic_query(
    address: Address, axis: Axis, by: By, run: int | None = None, *, stepped: bool = True
) -> TrafficQuery:
    """Which requests an address asks for, within the time of an axis."""
    return TrafficQuery(
        since=axis.since,
        until=axis.until,
        service=address.get("service") or None,
        caller=address.get("caller") or None,
        version=address.get("version") or None,
        intent=address.get("intent") or None,
        by=by,
        step=axis.step if stepped else None,
        run=run,
    )


def as_kept(axis: Axis, now: float) -> Axis:
    """The axis in steps that requests of that time are still known in."""
    if axis.step >= COARSE_STEP or axis.since >= now - FINE_SECONDS:
        return axis
    return whole_steps(axis.since, axis.until, COARSE_STEP, now)


def whole_steps(since: float, until: float, step: float, now: float) -> Axis:
    """The axis from one multiple of the step to another: buckets do not move from look to look.

    The step that is not over yet, or has only just ended, is left out: it would look like a drop.
    """
    start = since // step * step
    end = min(until, now - _SETTLING) // step * step
    return Axis(start, max(end, start + step), step)
