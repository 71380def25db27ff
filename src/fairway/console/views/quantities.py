"""Numbers of traces and metrics, with the units that they were measured in. Pure.

`wording` is for what one glances at; durations of spans are compared with one another, and targets
like 99.95 % are not rounded to 100, so here three figures or more are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fairway.console.views import wording
from fairway.console.views.wording import NOTHING

_MINUS = "−"  # noqa: RUF001 - as wide as a plus
_LONG = 99.95
"""Seconds from which on minutes are easier to read."""


def duration(seconds: float | None) -> str:
    """`250 µs`, `12.3 ms`, `1.84 s`, `3 min 20 s`."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return f"{_MINUS}{duration(-seconds)}"
    if seconds >= _LONG:
        return wording.duration(seconds)
    if seconds >= 0.9995 or seconds == 0:
        return f"{figures(seconds)} s"
    if seconds >= 0.0009995:
        return f"{figures(seconds * 1e3)} ms"
    return f"{figures(seconds * 1e6)} µs"


def difference(seconds: float | None) -> str:
    """A duration with its sign: `+12 ms`."""
    if seconds is None:
        return ""
    return f"+{duration(seconds)}" if seconds > 0 else duration(seconds)


def rate(per_second: float | None) -> str:
    """`12.5/s`; what is rarer than once in ten seconds is told by the minute."""
    if per_second is None:
        return NOTHING
    if 0 < per_second < 0.1:
        return f"{figures(per_second * 60)}/min"
    return f"{figures(per_second)}/s"


def share(part: float | None) -> str:
    """A share of 1 in percent: `99.95 %`. Something is never rounded to nothing, nor to all."""
    if part is None:
        return NOTHING
    percent = part * 100
    if 0 < percent < 0.01:
        return "< 0.01 %"
    if 99.99 < percent < 100:
        return "> 99.99 %"
    return f"{percent:.4g} %" if 99 < percent < 100 else f"{figures(percent)} %"


def quantity(value: float | None, unit: str) -> str:
    """A value of a metric with its unit, by the names of UCUM that OpenTelemetry uses."""
    if value is None:
        return NOTHING
    if unit == "ms":
        return duration(value / 1000)
    if unit in _WRITTEN:
        return _WRITTEN[unit](value)
    counted = unit.startswith("{")  # what is counted stands in the title: `{thread}`
    return wording.number(value) if counted else f"{wording.number(value)} {unit}"


def figures(value: float) -> str:
    """Three figures, without useless zeros."""
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.9f}".rstrip("0").rstrip(".")


def precise(at: float) -> str:
    """The time of day in UTC with milliseconds: `08:15:30.125`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "s": duration,
    "By": wording.size,
    "share": share,
    "/s": rate,
    "1": wording.number,
    "": wording.number,
}
